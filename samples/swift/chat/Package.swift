// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "chat",
    platforms: [.macOS(.v14)],
    dependencies: [.package(path: "../../../bindings/swift")],
    targets: [
        .executableTarget(name: "bot", dependencies: [.product(name: "Epode", package: "swift")]),
        .executableTarget(name: "chat", dependencies: [.product(name: "Epode", package: "swift")]),
    ]
)
