import CEpode

/// "0.1.0", of the library that is linked.
public var version: String { String(cString: epode_version()) }
