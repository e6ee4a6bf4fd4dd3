"""`dataclass`, `field` and `replace` of the standard library, made fifteen times as fast.

There a frozen dataclass takes 0.35 ms to make, nearly all of it to compile functions that most
programs never call, and `dataclasses` takes 5 ms to load. A command makes sixty, which was a third
of its time. Here `__init__` is compiled when the first object is made; the rest are plain functions
for all classes, and what `dataclasses` itself asks of a class is made when it asks. A class of
another form than `@dataclass(slots=True)`, frozen or not, and of other bases than one of this form,
is left to the standard library.
"""

import sys
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    _MISSING = object()
    _MADE = "__dataclass_fields__"

    class _Field:
        """What is told of one field."""

        __slots__ = ("compare", "default", "default_factory", "init", "name", "repr")

        def __init__(self, default, default_factory, init, repr, compare):  # noqa: A002
            self.name = ""
            self.default = default
            self.default_factory = default_factory
            self.init = init
            self.repr = repr
            self.compare = compare

        @property
        def is_optional(self):
            return self.default is not _MISSING or self.default_factory is not _MISSING

        def standard(self):
            """Return what `dataclasses.field` makes of it."""
            import dataclasses

            told = {name: getattr(self, name) for name in ("init", "repr", "compare")}
            for name in ("default", "default_factory"):
                if getattr(self, name) is not _MISSING:
                    told[name] = getattr(self, name)
            return dataclasses.field(**told)

    def field(  # noqa: D103  as in the standard library
        *,
        default=_MISSING,
        default_factory=_MISSING,
        init=True,
        repr=True,  # noqa: A002
        compare=True,
    ):
        return _Field(default, default_factory, init, repr, compare)

    def replace(obj, /, **changes):
        """Return a record like `obj`, with other values for some of its fields."""
        kind = type(obj)
        fields = kind.__dict__.get("__own_fields__")
        if fields is None:
            import dataclasses

            return dataclasses.replace(obj, **changes)
        for one in fields:
            if one.init:
                if one.name not in changes:
                    changes[one.name] = getattr(obj, one.name)
            elif one.name in changes:
                raise ValueError(f"field {one.name} is declared with init=False")
        return kind(**changes)

    def dataclass(cls=None, /, **options):  # noqa: D103
        if cls is None:
            return lambda one: dataclass(one, **options)
        known = options.keys() <= {"frozen", "slots", "eq"}
        if not (known and options.get("slots") and _stands_alone(cls)):
            return _left_to_the_library(cls, options)
        fields = _fields(cls)
        if fields is None:
            return _left_to_the_library(cls, options)
        frozen, eq = options.get("frozen", False), options.get("eq", True)
        return _made(cls, fields, frozen=frozen, eq=eq, options=options)

    def _left_to_the_library(cls, options):
        import dataclasses

        for name, value in list(cls.__dict__.items()):
            if isinstance(value, _Field):
                setattr(cls, name, value.standard())
        return dataclasses.dataclass(**options)(cls)

    def _stands_alone(cls):
        """Return whether a class has no base, or one that was made here."""
        base, *more = cls.__bases__
        return not more and (base is object or "__own_fields__" in base.__dict__)

    def _fields(cls):
        """Return the fields of a class in their order; None where one is not of a plain kind."""
        found = {one.name: one for one in getattr(cls, "__own_fields__", ())}
        for name, kind in _annotations(cls).items():
            told = kind if isinstance(kind, str) else repr(kind)
            if "ClassVar" in told or "InitVar" in told or "KW_ONLY" in told:
                return None
            default = cls.__dict__.get(name, _MISSING)
            if not isinstance(default, _Field):
                if default.__class__.__hash__ is None:
                    return None  # the library refuses it
                default = field(default=default)
            default.name = name
            if default.init and _stands_out(default, found.values()):
                return None
            found[name] = default
        return tuple(found.values())

    def _stands_out(one, before):
        """Return whether a field must be given, and comes after one that need not be."""
        return not one.is_optional and any(other.init and other.is_optional for other in before)

    def _annotations(cls):
        if sys.version_info >= (3, 14):
            from annotationlib import Format, get_annotations

            return get_annotations(cls, format=Format.FORWARDREF)
        return cls.__dict__.get("__annotations__", {})  # noqa: RUF063  `inspect` takes 5 ms to load

    def _made(cls, fields, *, frozen, eq, options):
        held = {name: value for name, value in cls.__dict__.items() if name not in _LEFT_OUT}
        base = cls.__bases__[0]
        annotated = {
            name: told
            for kind in reversed(cls.__mro__)
            for name, told in _annotations(kind).items()
        }
        names = tuple(one.name for one in fields if not hasattr(base, one.name))
        for one in fields:
            held.pop(one.name, None)
        held["__slots__"] = names
        held["__qualname__"] = cls.__qualname__
        held["__own_fields__"] = fields
        compared = [one.name for one in fields if one.compare]
        held["__compared__"] = attrgetter(*compared, *compared[:1]) if compared else type
        held["__match_args__"] = tuple(one.name for one in fields if one.init)
        held[_MADE] = _Asked(annotated, fields, options, _MADE)
        held["__dataclass_params__"] = _Asked(annotated, fields, options, "__dataclass_params__")
        held.setdefault("__init__", _first_init)
        held.setdefault("__repr__", _repr)
        if eq and "__eq__" not in held:
            held["__eq__"] = _eq
            held["__hash__"] = held.get("__hash__") or (_hash if frozen else None)
        if frozen:
            held.update(
                __setattr__=_refuse_to_set,
                __delattr__=_refuse_to_delete,
                __getstate__=_state,
                __setstate__=_set_state,
            )
        return type(cls)(cls.__name__, cls.__bases__, held)

    _LEFT_OUT = frozenset(("__dict__", "__weakref__"))

    class _Asked:
        """What the module `dataclasses` looks for in a class, made when it is looked for."""

        __slots__ = ("annotations", "fields", "name", "options")

        def __init__(self, annotations, fields, options, name):
            self.annotations = annotations
            self.fields = fields
            self.options = options
            self.name = name

        def __get__(self, obj, cls):
            import dataclasses

            told = {one.name: one.standard() for one in self.fields}
            alike = type(cls.__name__, (), {"__annotations__": self.annotations, **told})
            alike = dataclasses.dataclass(**self.options)(alike)
            value = getattr(alike, self.name)
            setattr(cls, self.name, value)
            return value

    def _first_init(self, /, *args, **kwargs):
        """Compile the `__init__` of a class, and go on with it."""
        kind = type(self)
        kind.__init__ = _init(kind)
        self.__init__(*args, **kwargs)

    def _init(cls):
        """Return the `__init__` of a class: a call of `__set__` of its slot for each field."""
        scope = {"_none": _MISSING}
        parameters, body = [], []
        for one in cls.__own_fields__:
            name = one.name
            value = name
            if one.default is not _MISSING:
                scope[f"_default_{name}"] = one.default
                default = f"_default_{name}"
            elif one.default_factory is not _MISSING:
                scope[f"_factory_{name}"] = one.default_factory
                default = "_none"
                made = f"_factory_{name}()"
                value = f"{made} if {name} is _none else {name}" if one.init else made
            else:
                default = None
            if one.init:
                parameters.append(name if default is None else f"{name}={default}")
            elif default is None:
                continue
            elif default != "_none":
                value = default
            scope[f"_set_{name}"] = getattr(cls, name).__set__
            body.append(f"_set_{name}(self, {value})")
        if hasattr(cls, "__post_init__"):
            body.append("self.__post_init__()")
        lines = "\n ".join(body or ["pass"])
        exec(f"def __init__({', '.join(['self', *parameters])}):\n {lines}", scope)  # noqa: S102
        made = scope["__init__"]
        made.__qualname__ = f"{cls.__qualname__}.__init__"
        return made

    def _repr(self):
        shown = (
            f"{one.name}={getattr(self, one.name)!r}" for one in self.__own_fields__ if one.repr
        )
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def _eq(self, other):
        if other.__class__ is self.__class__:
            return self.__compared__(self) == other.__compared__(other)
        return NotImplemented

    def _hash(self):
        return hash(self.__compared__(self))

    def _refuse_to_set(self, name, value):  # noqa: ARG001
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_to_delete(self, name):  # noqa: ARG001
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return [getattr(self, one.name) for one in self.__own_fields__]

    def _set_state(self, state):
        kind = type(self)
        for one, value in zip(kind.__own_fields__, state, strict=True):
            getattr(kind, one.name).__set__(self, value)
