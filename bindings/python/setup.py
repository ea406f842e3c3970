"""Builds the extension: against an installed libepode that pkg-config finds, else with a library that is built here.

EPODE_LIBRARY=system or bundled in the environment decides it otherwise. A source distribution carries the C sources in
its folder c, so that it is complete; bundled means: linked statically, with what it needs of the system shared."""
from __future__ import annotations

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import declare  # noqa: E402

CARRIED = ["CMakeLists.txt", "LICENSE", "cmake", "include", "sdk"]
NEEDED = ["openssl", "expat", "sqlite3", "libcares", "libidn", "libstrophe"]
NAME = re.compile(r"lib\.(epode_(?!py_)\w+)")


def c_sources() -> pathlib.Path | None:
    """In a checkout, or as a source distribution carries them."""
    for folder in (HERE / "c", HERE.parent.parent):
        if all((folder / name).exists() for name in CARRIED):
            return folder
    return None


def pkg_config(*args: str) -> list[str] | None:
    try:
        done = subprocess.run(["pkg-config", *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return shlex.split(done.stdout) if done.returncode == 0 else None


def use_flags(ext: Extension, flags: list[str]) -> None:
    for flag in flags:
        if flag.startswith("-I"):
            ext.include_dirs.append(flag[2:])
        elif flag.startswith("-L"):
            ext.library_dirs.append(flag[2:])
        elif flag.startswith("-l"):
            ext.libraries.append(flag[2:])
        else:
            ext.extra_link_args.append(flag)


class BuildExt(build_ext):
    """Finds or makes the library, then what cffi makes of its headers."""

    def build_extension(self, ext: Extension) -> None:
        if self.wanted_library() == "system":
            include = self.use_system(ext)
        else:
            include = self.use_bundled(ext)
        declared = declare.declarations(include)
        self.look_complete(declared, include)
        import cffi

        ffi = cffi.FFI()
        ffi.cdef(declared)
        ffi.set_source("epode._native", "#include <epode/epode.h>")
        source = pathlib.Path(self.build_temp) / "_native.c"
        source.parent.mkdir(parents=True, exist_ok=True)
        ffi.emit_c_code(str(source))
        ext.sources = [str(source)]
        self.force = True  # the library may be another one
        super().build_extension(ext)

    @staticmethod
    def wanted_library() -> str:
        wanted = os.environ.get("EPODE_LIBRARY", "")
        if wanted not in ("", "system", "bundled"):
            raise SystemExit("EPODE_LIBRARY is neither system nor bundled")
        if not wanted:
            wanted = "system" if pkg_config("--exists", "epode") is not None else "bundled"
        return wanted

    @staticmethod
    def use_system(ext: Extension) -> pathlib.Path:
        flags = pkg_config("--cflags", "--libs", "epode")
        where = pkg_config("--variable=includedir", "epode")
        libdir = pkg_config("--variable=libdir", "epode")
        if flags is None or not where or not libdir:
            raise SystemExit("epode: pkg-config finds no installed libepode")
        use_flags(ext, flags)
        # Where the dynamic linker does not look by itself.
        if not libdir[0].startswith(("/lib", "/usr/lib")):
            ext.runtime_library_dirs.append(os.path.realpath(libdir[0]))
        return pathlib.Path(where[0])

    def use_bundled(self, ext: Extension) -> pathlib.Path:
        root = c_sources()
        if root is None:
            raise SystemExit("epode: there is neither an installed libepode (pkg-config epode) nor its C sources beside this "
                             "package; install libepode first, or use a source distribution or a whole checkout")
        flags = pkg_config("--cflags", "--libs", *NEEDED)
        missing = [name for name in NEEDED if pkg_config("--exists", name) is None]
        if flags is None or missing or shutil.which("cmake") is None:
            raise SystemExit("epode: the C library cannot be built here: it needs cmake, pkg-config, a C compiler and "
                             f"{', '.join(missing or NEEDED)} (on Debian: scripts/deps build)")
        build = pathlib.Path(self.build_temp).resolve() / "epode"
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        for command in (["cmake", "-S", str(root), "-B", str(build), *generator, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                         "-DEPODE_TESTS=OFF", "-DEPODE_SAMPLES=OFF"],
                        ["cmake", "--build", str(build), "--target", "epode_static", "--parallel", str(os.cpu_count() or 1)]):
            subprocess.run(command, check=True)
        use_flags(ext, flags)
        ext.include_dirs.insert(0, str(root / "include"))
        ext.extra_objects.append(str(build / "libepode.a"))
        ext.libraries += ["resolv", "pthread"]
        # Another libepode in the same process is another one.
        ext.extra_link_args.append("-Wl,--exclude-libs,ALL")
        return root / "include"

    @staticmethod
    def look_complete(declared: str, include: pathlib.Path) -> None:
        """An older library than this package is found now, not at the first use."""
        used = set()
        for path in (HERE / "src" / "epode").glob("*.py"):
            used.update(NAME.findall(path.read_text(encoding="utf-8")))
        missing = sorted(name for name in used if not re.search(rf"\b{name}\(", declared))
        if missing:
            raise SystemExit(f"epode: the library of {include} is older than this package: it lacks {', '.join(missing)}; "
                             "EPODE_LIBRARY=bundled takes the C sources")


class Sdist(sdist):
    """With the C sources."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        root = c_sources()
        if root is None:
            raise SystemExit("epode: the C sources are not here; make it in a whole checkout")
        for name in CARRIED:
            to = pathlib.Path(base_dir, "c", name)
            to.parent.mkdir(parents=True, exist_ok=True)
            if (root / name).is_dir():
                shutil.copytree(root / name, to)
            else:
                shutil.copy2(root / name, to)


# The license is here since releases of setuptools disagree on how pyproject.toml says it.
setup(license="MIT",
      ext_modules=[Extension("epode._native", sources=[], py_limited_api=True)],
      cmdclass={"build_ext": BuildExt, "sdist": Sdist},
      options={"bdist_wheel": {"py_limited_api": "cp39"}})
