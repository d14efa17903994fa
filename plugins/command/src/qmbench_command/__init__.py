"""Any executable, in any language, as a level of theory: a TOML file says how it is called and how its answer is read.

`description` reads such a file, `methods` is what a level does, `answers` reads what a program says. Files are those in
the user's own folders alone (`places`), so that nothing that comes with a suite can bring a program in.
"""

from __future__ import annotations

from qmbench import Method, MethodFamily, hookimpl

QMBENCH_API = 2


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    """One method for each readable file in the user's folder; the others say what is wrong when they are asked for."""
    from qmbench_command.places import files

    if not files():
        return []
    from qmbench_command.methods import listed

    return listed()


@hookimpl
def qmbench_method_families() -> list[MethodFamily]:
    return [
        MethodFamily("command:", "command:NAME", "an executable, described by NAME.toml in your folder of commands")
    ]


@hookimpl
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """The command of that name; InputError with what is wrong with its file, or where it would have to be."""
    if not name.startswith("command:"):
        return None
    from qmbench_command.methods import command_method

    return command_method(name.removeprefix("command:"))
