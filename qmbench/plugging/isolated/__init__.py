"""Plugins that live in a virtual environment of their own, because their dependencies clash with the others'.

`place` says where they are and whether they can be used, `described` is a method as a JSON object, `client` asks
the process that speaks for a plugin (its other end is `companion`), `proxy` makes methods of all that, and `pip`,
`sources` and `install` put plugins there and take them away.
"""
