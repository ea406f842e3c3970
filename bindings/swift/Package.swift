// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "epode",
    platforms: [.macOS(.v14), .iOS(.v17)],
    products: [.library(name: "Epode", targets: ["Epode"])],
    targets: [
        .systemLibrary(name: "CEpode", pkgConfig: "epode"),
        .target(name: "Epode", dependencies: ["CEpode"]),
        // What tests/bindings plays its scenarios with.
        .executableTarget(name: "epode-driver", dependencies: ["Epode"]),
        .testTarget(name: "EpodeTests", dependencies: ["Epode"]),
    ]
)
