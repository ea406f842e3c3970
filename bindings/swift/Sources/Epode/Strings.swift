import CEpode

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A copy; `nil` of NULL.
func string(_ text: UnsafePointer<CChar>?) -> String? {
    text.map { String(cString: $0) }
}

/// Strings for one C call: freed, and wiped since one may be a secret, with the call.
final class CStrings {
    private var held: [(UnsafeMutablePointer<CChar>, Int)] = []
    private var arrays: [UnsafeMutableBufferPointer<UnsafePointer<CChar>?>] = []

    /// A string that holds NUL would silently be cut there, so it is refused.
    func add(_ text: String?) throws -> UnsafePointer<CChar>? {
        guard var text else { return nil }
        return try text.withUTF8 { bytes in
            guard !bytes.contains(0) else { throw EpodeError(.invalid, "a string holds NUL") }
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
            copy.initialize(repeating: 0, count: bytes.count + 1)
            for (i, byte) in bytes.enumerated() { copy[i] = CChar(bitPattern: byte) }
            held.append((copy, bytes.count))
            return UnsafePointer(copy)
        }
    }

    func add(_ texts: [String]) throws -> UnsafePointer<UnsafePointer<CChar>?>? {
        let array = UnsafeMutableBufferPointer<UnsafePointer<CChar>?>.allocate(capacity: max(texts.count, 1))
        array.initialize(repeating: nil)
        arrays.append(array)
        for (i, text) in texts.enumerated() { array[i] = try add(text) }
        return UnsafePointer(array.baseAddress)
    }

    deinit {
        for (copy, count) in held {
            // Through a volatile store of the C side's own, since a plain one before a free may be left out.
            cepode_wipe(copy, count)
            copy.deallocate()
        }
        for array in arrays { array.deallocate() }
    }
}

/// Something that a C callback writes to through its user pointer.
final class Box<Value> {
    var value: Value

    init(_ value: Value) { self.value = value }

    /// Runs a C call that is given the box as its user pointer.
    func fill(_ call: (UnsafeMutableRawPointer) throws -> epode_status) throws -> epode_status {
        try withExtendedLifetime(self) { try check(call(Unmanaged.passUnretained(self).toOpaque())) }
    }

    static func at(_ user: UnsafeMutableRawPointer?) -> Box<Value> {
        Unmanaged<Box<Value>>.fromOpaque(user!).takeUnretainedValue()
    }
}

extension Duration {
    /// Whole milliseconds, rounded up, within what the C interface takes.
    var milliseconds: UInt32 {
        let (seconds, attoseconds) = components
        guard self > .zero else { return 0 }
        let (ms, over) = seconds.multipliedReportingOverflow(by: 1000)
        guard !over else { return .max }
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return UInt32(clamping: ms.addingReportingOverflow(rest).overflow ? Int64.max : ms + rest)
    }
}

/// Unix milliseconds; 0 means that it is not known.
func date(_ ms: Int64) -> Date? {
    ms == 0 ? nil : Date(timeIntervalSince1970: Double(ms) / 1000)
}
