"""Makes cffi's declarations from epode's public headers themselves, so that there is no second copy of them to go stale.

The headers are regular enough for that: one comment style, #if only for include guards and C++, EPODE_API in front of what
is exported."""
from __future__ import annotations

import pathlib
import re

COMMENT = re.compile(r"/\*.*?\*/", re.S)
CPLUSPLUS = re.compile(r"^#ifdef __cplusplus\n.*?^#(?:else\n.*?^#)?endif\n", re.S | re.M)
DIRECTIVE = re.compile(r"^[ \t]*#(?:.*\\\n)*.*$", re.M)
INCLUDE = re.compile(r'^#include "epode/(\w+\.h)"', re.M)

# Called by C, on the thread that is inside a call of ours; see callbacks.py.
CALLBACKS = """
extern "Python" void epode_py_log(int level, const char *area, const char *line, void *user);
extern "Python" void epode_py_password(epode_client *client, epode_ask why, void *user);
extern "Python" void epode_py_task(epode_client *client, const epode_task *task, void *user);
extern "Python" void epode_py_iq(epode_client *client, const epode_iq_answer *answer, void *user);
extern "Python" void epode_py_upload(epode_client *client, const epode_upload *upload, void *user);
extern "Python" void epode_py_resource(epode_client *client, const epode_resource_result *result, void *user);
extern "Python" void epode_py_message(const epode_message *message, void *user);
extern "Python" void epode_py_contact(const epode_contact *contact, void *user);
extern "Python" void epode_py_software(const epode_software *software, void *user);
extern "Python" bool epode_py_conversation_each(const epode_conversation *c, void *user);
extern "Python" bool epode_py_contact_each(const epode_contact *contact, void *user);
extern "Python" bool epode_py_hole_each(const epode_hole *hole, void *user);
extern "Python" bool epode_py_text_each(const char *text, void *user);
extern "Python" bool epode_py_presence_each(const epode_presence *p, void *user);
extern "Python" bool epode_py_item_each(const epode_item *item, void *user);
"""


def _in_order(folder: pathlib.Path, name: str, seen: list[str]) -> None:
    """The headers, each behind those that it includes."""
    if name in seen:
        return
    for included in INCLUDE.findall((folder / name).read_text(encoding="utf-8")):
        _in_order(folder, included, seen)
    seen.append(name)


def declarations(include: pathlib.Path) -> str:
    """What include/epode/*.h declare, as cffi reads it."""
    folder = include / "epode"
    if not (folder / "epode.h").is_file():
        raise SystemExit(f"{folder} has no epode.h")
    names: list[str] = []
    _in_order(folder, "epode.h", names)
    parts = []
    for name in names:
        text = COMMENT.sub("", (folder / name).read_text(encoding="utf-8"))
        text = CPLUSPLUS.sub("", text)
        text = DIRECTIVE.sub("", text).replace("EPODE_API ", "")
        parts.append(text)
    return re.sub(r"\n{2,}", "\n", "\n".join(parts)) + CALLBACKS
