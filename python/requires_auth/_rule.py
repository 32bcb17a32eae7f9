"""The rule of a route, read from the arguments of a decorator or a dependency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from requires_auth import ConfigError, ConfigProblem, Policy
from requires_auth._mistakes import comma_hint, has_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Rule:
    """What a route needs."""

    policy: Policy | None = None
    """What a valid token must be allowed to do; any valid token will do without."""

    optional: bool = False
    """Whether a request without a token passes as anonymous."""

    @classmethod
    def of(
        cls,
        scopes: Sequence[str] = (),
        any_of: Iterable[str] | None = None,
        policy: Policy | None = None,
        optional: bool = False,
        dpop: str | None = None,
    ) -> Rule:
        """Reads the arguments of a decorator.

        Raises:
            TypeError: more than one of scopes, `any_of` and `policy` is given, or one of them has the wrong type.
            ConfigError: a scope is not a scope token, or `dpop` something else than `"required"`: a mistake in a route
                shows when the route is built.
        """
        if bool(scopes) + (any_of is not None) + (policy is not None) > 1:
            raise TypeError("give scopes, any_of or a policy, and only one of them")
        if any_of is not None:
            any_of = [any_of] if isinstance(any_of, str) else listed("any_of", any_of)
        problems = [
            ConfigProblem("scope", f"`{scope}`", "one scope, or several separated by spaces", hint)
            for scope in (*scopes, *(any_of or ()))
            if has_type(scope, str) and (hint := comma_hint(scope))
        ]
        problems += _problems_of_dpop(dpop)
        if problems:
            raise ConfigError(problems)
        for scope in scopes:
            if not has_type(scope, str):
                found = type(scope).__name__
                raise TypeError(f'scopes: expected strings, found {found}: write "read:a", "read:b" without brackets')
        if policy is not None and not has_type(policy, Policy):
            raise TypeError(f"policy: expected a Policy, found {type(policy).__name__}: write Policy.all_of(..)")
        if not has_type(optional, bool):
            raise TypeError(f"optional: expected True or False, found {type(optional).__name__}")
        if scopes:
            policy = Policy.all_of(*scopes)
        elif any_of is not None:
            policy = Policy.any_of(any_of)
        if dpop is not None:
            policy = (policy or Policy()).with_dpop_required()
        return cls(policy, optional)


def _problems_of_dpop(dpop: str | None) -> list[ConfigProblem]:
    if dpop is None or dpop == "required":
        return []
    if not has_type(dpop, str):
        raise TypeError(f'dpop: expected "required", found {type(dpop).__name__}')
    hint = "leave it out for a route that takes tokens as the guard does"
    return [ConfigProblem("dpop", f"`{dpop}`", '"required"', hint)]


ANY_TOKEN = Rule()
"""Any valid token will do."""


def before_routing(rule: Rule) -> Rule:
    """The rule of a middleware, which is asked before the router has found any path parameters.

    Raises:
        ConfigError: a claim rule looks at one.
    """
    if rule.policy is not None and rule.policy.path_parameters:
        found = f"a rule on the path parameter `{rule.policy.path_parameters[0]}`"
        hint = "give this policy to the route: a middleware is asked before the path parameters are known"
        raise ConfigError([ConfigProblem("policy", found, "rules on the token alone", hint)])
    return rule


def listed(argument: str, names: Iterable[str]) -> list[str]:
    """Reads an argument that takes several names, such as `exempt`.

    A string is an iterable of its letters: `exempt="/docs"` would exempt `/`. So it is refused, as is whatever else
    does not hold strings.

    Raises:
        TypeError: it is a string, or holds something that is not a string.
    """
    if isinstance(names, (str, bytes)):
        raise TypeError(f"{argument}: expected a list of strings, found {names!r}: write {argument}=[{names!r}]")
    try:
        found = list(names)
    except TypeError:
        raise TypeError(f"{argument}: expected a list of strings, found {type(names).__name__}") from None
    for name in found:
        if not has_type(name, str):
            raise TypeError(f"{argument}: expected a list of strings, found one with {type(name).__name__} in it")
    return found


def names_of(argument: str, names: Iterable[str]) -> frozenset[str]:
    """As `listed`, where neither order nor repetition counts."""
    return frozenset(listed(argument, names))
