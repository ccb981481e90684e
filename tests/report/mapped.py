"""Claims made up for the map's tests: heads, paths and attention on one set of prompts."""

from __future__ import annotations

from typing import Any

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, Comparison
from tests.report.runs import claim, statistic

GAME = {
    "on": "game",
    "prompts.template": "[{opening} choose {felt} and {intensity} {feeling} . {closing}]",
    "prompts.vary.opening": "[hello]",
    "prompts.vary.feeling": "{pain: [pain]}",
    "prompts.vary.intensity": "[mild]",
    "prompts.pairs.feeling": "[pain, neutral]",
}


def patched(*sites: str, at: str = "final", **changes: Any) -> ClaimRecord:
    """A patch of sites at a position, each of which holds."""
    many = len(sites) > 1
    statistics = {f"recovery[{site}]" if many else "recovery": statistic() for site in sites}
    facts = {"kept": list(sites), "searched": len(sites), "position": at}
    fields: dict[str, Any] = {
        "id": f"patch-{'-'.join(sites)}",
        "measures": GAME,
        "facts": facts,
        "statistics": statistics,
    }
    return claim(**fields | changes)


def attending(head: str, query: str, to: str, **changes: Any) -> ClaimRecord:
    facts = {"kept": [head], "searched": 1, "from": query, "to": to}
    fields: dict[str, Any] = {
        "id": f"{head}-looks",
        "check": "attention",
        "measures": GAME | {"site": head, "to": to},
        "facts": facts,
        "statistics": {"attention": statistic()},
        "expect": {"attention": ">= 0.3"},
    }
    return claim(**fields | changes)


def path(*paths: str, position: str = "all", **changes: Any) -> ClaimRecord:
    many = len(paths) > 1
    fields: dict[str, Any] = {
        "id": f"path-{len(paths)}-{paths[0]}",
        "check": "path",
        "measures": GAME,
        "facts": {"kept": list(paths), "searched": len(paths), "position": position},
        "statistics": {f"recovery[{one}]" if many else "recovery": statistic() for one in paths},
    }
    return claim(**fields | changes)


def role(player: str, expected: str | None = None, **changes: Any) -> ClaimRecord:
    """A role played at the final token by a head that looks at the feeling."""
    facts = {"kept": [player], "players": [player], "played_by": expected or player}
    fields: dict[str, Any] = {
        "verdict": Verdict.MOVED if expected else Verdict.HOLDS,
        "id": f"role-{player}",
        "check": "role",
        "measures": GAME | {"attends.to": "feeling=pain", "attends.at_least": "0.3"},
        "facts": facts,
        "statistics": {f"strength[{player}]": statistic()},
        "expect": {"strength": ">= 1"},
    }
    return claim(**fields | changes)


def flow(**changes: Any) -> ClaimRecord:
    """All of it at the feeling in the first layer, and at the final token in the second."""
    drawn = {
        "rows": ["L0", "L1"],
        "columns": ["opening", "intensity", "feeling", "final"],
        "values": [[0.0, 0.04, 1.2, -0.3], [0.0, 0.0, None, 0.9]],
    }
    fields: dict[str, Any] = {
        "id": "flow",
        "check": "flow",
        "measures": GAME,
        "facts": {
            "maps": {"recovery of p(a) in resid_post": drawn},
            "from": "feeling",
            "to": "final",
        },
    }
    return claim(**fields | changes)


def deep(**changes: Any) -> list[ClaimRecord]:
    """30 blocks, in five of which a claim has a component; the stream's share goes over in L20."""
    rows = [f"L{layer}" for layer in range(30)]
    drawn = {
        "rows": rows,
        "columns": ["feeling", "final"],
        "values": [[0.9, 0.02 * layer] if layer < 20 else [0.1, 0.95] for layer in range(30)],
    }
    maps = {"recovery of p(a) in resid_post": drawn}
    return [
        patched("mlp_out.L1", at="feeling", id="early"),
        attending("L12H3", "final", "feeling=pain"),
        patched("L20H2", id="mover", **changes),
        path("L20H2 → L21H0", id="tells"),
        patched("L27H5", "mlp_out.L27", id="late"),
        flow(facts={"maps": maps, "from": "feeling", "to": "final"}),
    ]


def few_layers(player: str) -> list[ClaimRecord]:
    """A role, and a head that stays where it is."""
    return [role(player, id="mover"), patched("L20H2", id="stays")]


def moved(then: str, now: str) -> Comparison:
    return Comparison(change=Change.MOVED, baseline="good.json", moved=(then, now))


def crowd(heads: int = 48, mlps: int = 12, arrows: int = 150) -> list[ClaimRecord]:
    """60 components in twelve layers, and 150 paths and looks between them."""
    names = [f"L{n % 12}H{n // 12}" for n in range(heads)]
    layers = [f"mlp_out.L{n}" for n in range(mlps)]
    tokens = ["opening", "felt", "intensity", "feeling", "final"]
    states = [Verdict.HOLDS] * 6 + [Verdict.FAILS, Verdict.INCONCLUSIVE]
    found = [
        patched(name, at=tokens[(3 * n) % 5], id=f"patch-{name}", verdict=states[n % 8])
        for n, name in enumerate([*names, *layers])
    ]
    found += [
        attending(names[n], tokens[(3 * n) % 5], tokens[min((3 * n) % 5, n % 3)], id=f"look-{n}")
        for n in range(min(arrows // 5, heads))
    ]
    senders = sorted([*names, *layers], key=_depth)
    left = arrows - len(found) + heads + mlps
    found += [
        path(f"{senders[n % 40]} → {senders[n % 40 + 6 + n // 40 * 3]}", id=f"path-{n}")
        for n in range(left)
    ]
    return found


def _depth(name: str) -> tuple[int, bool]:
    is_mlp = name.startswith("mlp")
    return int(name.partition("L")[2].partition("H")[0]), is_mlp
