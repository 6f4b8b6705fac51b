"""How long the networks of worlds take on a GPU, trained in batches, against one ordinary PyTorch loop a model.

Run ``python benchmarks/gpu.py --out FILE.json`` where there is a GPU; see the README next to this file. It first checks
that models trained at once are those of the plain loop, and then times both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HERE = Path(__file__).resolve().parent

# the parts that are timed, and not all that the package's own first module imports: a machine with a GPU that is rented
# for minutes may have PyTorch and scikit-learn and nothing else
PACKAGE = types.ModuleType("unlearn_audit")
PACKAGE.__path__ = [str(HERE.parent / "src" / "unlearn_audit")]
sys.modules.setdefault("unlearn_audit", PACKAGE)

from unlearn_audit.data import Images, encode, load_dataset  # noqa: E402
from unlearn_audit.data.base import Dataset  # noqa: E402
from unlearn_audit.models import resolve_model  # noqa: E402
from unlearn_audit.models.networks import modules  # noqa: E402
from unlearn_audit.models.networks.batched import batch  # noqa: E402
from unlearn_audit.models.networks.batched.batch import BatchPlan, plan_batch, train_batch  # noqa: E402
from unlearn_audit.models.networks.training import train_network  # noqa: E402
from unlearn_audit.models.posteriors import query  # noqa: E402
from unlearn_audit.models.regimes import Regime  # noqa: E402
from unlearn_audit.unlearning import Retrain  # noqa: E402
from unlearn_audit.worlds import Request  # noqa: E402

TRAIN_SIZE, ASKED, EPOCHS = 2000, 123, 20
"""Training records of a world, records asked of both versions of a pair, and passes: the defaults of an audit."""

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Case:
    """Worlds to time.

    Attributes
    ----------
    model, data
        Names.
    deletions
        Of a world.
    train_size, epochs
        Of a training.
    worlds
        In one timing of ours.
    at_least
        How many times as fast as the plain loop they are to be; None if nothing is asked.
    """

    model: str
    data: str
    deletions: int
    worlds: int
    at_least: float | None = None
    train_size: int = TRAIN_SIZE
    epochs: int = EPOCHS

    @property
    def name(self) -> str:
        """What the case is called."""
        return f"{self.model}, {self.data}, {self.worlds} x (1 + {self.deletions})"

    @property
    def models(self) -> int:
        """How many models are trained."""
        return self.worlds * (1 + self.deletions)


CASES = (
    Case("torch-mlp", "adult", 100, 1, 50),
    Case("simple-cnn", "mnist", 100, 1, 8),
    Case("torch-mlp", "adult", 20, 1),
    Case("simple-cnn", "mnist", 20, 1),
)
SMALL = (
    Case("torch-mlp", "adult", 3, 1, train_size=200, epochs=2),
    Case("simple-cnn", "mnist", 2, 1, train_size=200, epochs=2),
)


def main() -> None:
    options = parse()
    started = time.perf_counter()
    warnings.filterwarnings("ignore", category=UserWarning)
    if options.unrecorded:
        batch.Recorded = lambda work, _: work  # type: ignore[assignment,misc]
    facts = machine()
    print(json.dumps(facts), flush=True)
    document: dict[str, Any] = {"machine": facts, "correctness": {}, "cases": []}
    for model, data in (("torch-mlp", "adult"), ("simple-cnn", "mnist")):
        document["correctness"][model] = correctness(model, prepared(data), small=options.small)
        print(model, document["correctness"][model], f"{time.perf_counter() - started:.0f} s", flush=True)
    cases = SMALL if options.small else CASES
    for case in cases:
        if time.perf_counter() - started > options.seconds:
            print(f"{case.name}: left out, since {options.seconds} s have passed", flush=True)
            continue
        document["cases"].append(timed(case, options.pairs))
        print(f"{time.perf_counter() - started:.0f} s in all", flush=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"written to {options.out}", flush=True)
    if options.profile:
        for case in cases[:2]:
            profile(case)
    wrong = [name for name, of in document["correctness"].items() if not of["equal"]]
    if wrong:
        raise SystemExit(f"models trained at once are not those of the plain loop: {', '.join(wrong)}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="time networks trained in batches against the plain loop, on a GPU")
    parser.add_argument("--out", type=Path, required=True, help="where results go")
    parser.add_argument("--pairs", type=int, default=7, help="how often each way is timed (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=200, help="after which no case is begun (default: %(default)s)")
    parser.add_argument("--unrecorded", action="store_true", help="send each step to the GPU anew")
    parser.add_argument("--small", action="store_true", help="few models: shows that it runs, says nothing of speed")
    parser.add_argument("--profile", action="store_true", help="say too where the time of a world goes")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error(f"--pairs {options.pairs}: at least 1 is needed")
    return options


def prepared(name: str) -> Dataset:
    """Return the records of a dataset as numbers."""
    raw = load_dataset(name)
    rows = np.arange(len(raw.labels))
    X = raw.flat() if isinstance(raw, Images) else encode(raw, rows)[0]
    return Dataset(raw.name, X, raw.labels, np.arange(len(raw.class_names)), raw.class_names, rows)


def trainings(data: Dataset, case: Case) -> Iterator[tuple[np.ndarray[Any, Any], list[Request], np.ndarray[Any, Any]]]:
    """Yield for each world the records of the original, the requests, and the records asked of each pair."""
    rng = np.random.default_rng(0)
    nobody = np.zeros(0, dtype=np.int64)
    for _ in range(case.worlds):
        drawn = rng.permutation(len(data))[: case.train_size + ASKED - 1]
        training, others = drawn[: case.train_size], drawn[case.train_size :]
        requests = [Request(training[[j]], nobody) for j in range(case.deletions)]
        yield training, requests, np.stack([np.append(others, training[j]) for j in range(case.deletions)])


def ours(case: Case, data: Dataset) -> Any:
    """Train and ask the worlds of a case as an audit does; return the last answers."""
    source = resolve_model(case.model, {"epochs": case.epochs})
    retrain = Retrain.for_model(source, Regime.FIXED)[0]
    answers = None
    for index, (training, requests, asked) in enumerate(trainings(data, case)):
        original = retrain.learn(source, data, training, index)
        unlearned = retrain.unlearn_many(original, requests, [index] * len(requests))
        for after, of_pair in zip(unlearned, asked, strict=True):
            for one in (original, after):
                answers = query(one.model, data.X[of_pair], data.class_values, source.name)
    return answers


def plainest(case: Case, data: Dataset) -> Any:
    """Train and ask one model by the package's own plain loop, which keeps the records on the device."""
    source = resolve_model(case.model, {"epochs": case.epochs})
    retrain = replace(Retrain.for_model(source, Regime.FIXED)[0], plain=True)
    training, _, asked = next(trainings(data, case))
    model = retrain.learn(source, data, training, 0).model
    return [query(model, data.X[asked[0]], data.class_values, source.name) for _ in range(2)][-1]


def ordinary(case: Case, data: Dataset) -> Any:
    """Train and ask one model as one would write it: a DataLoader, and a step a batch on the GPU."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    training, _, asked = next(trainings(data, replace(case, worlds=1)))
    X, others = data.X[training], data.X[asked[0]]
    if data.X.dtype == np.uint8:
        side = int(data.X.shape[1] ** 0.5)
        X, others = (of.astype(np.float32).reshape(-1, 1, side, side) / 255 for of in (X, others))
        module = modules.simple_cnn((1, side, side), len(data.class_values))
    else:
        scaler = StandardScaler().fit(X)
        X, others = (scaler.transform(of).astype(np.float32) for of in (X, others))
        module = modules.mlp(X.shape[1], len(data.class_values))
    module = module.to(device).train()
    records = TensorDataset(torch.from_numpy(X), torch.from_numpy(data.y[training]))
    loader = DataLoader(records, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    for _ in range(case.epochs):
        for some, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(module(some.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
    module.eval()
    with torch.no_grad():
        # both versions of a pair are asked
        for _ in range(2):
            answers = module(torch.from_numpy(others).to(device)).softmax(dim=1).cpu().numpy()
    return answers


def timed(case: Case, pairs: int) -> dict[str, Any]:
    """Time both ways in turn; seconds are those of one model."""
    data = prepared(case.data)
    ways: dict[str, tuple[Callable[[], Any], int]] = {
        "batch": (lambda: ours(case, data), case.models),
        "plain": (lambda: ordinary(case, data), 1),
    }
    if case.at_least is not None:
        ways["plain, records on the device"] = (lambda: plainest(case, data), 1)
    print(f"{case.name}: seconds a model, of {', '.join(f'{name} ({n})' for name, (_, n) in ways.items())}", flush=True)
    for way, _ in ways.values():
        way()  # libraries are loaded, kernels chosen, memory taken
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for index in range(pairs):
        for name, (way, models) in list(ways.items())[:: 1 if index % 2 else -1]:
            wait()
            before = time.perf_counter(), time.process_time()
            way()
            wait()
            seconds[name].append((time.perf_counter() - before[0]) / models)
            cpu[name].append((time.process_time() - before[1]) / models)
        print("  ", {name: round(of[-1], 5) for name, of in seconds.items()}, flush=True)
    ratios = {
        f"{name} / batch": median(a / b for a, b in zip(of, seconds["batch"], strict=True))
        for name, of in seconds.items()
        if name != "batch"
    }
    print("  ", {name: round(of, 1) for name, of in ratios.items()}, "at least", case.at_least, flush=True)
    return {
        "case": case.name,
        "models_timed": {name: n for name, (_, n) in ways.items()},
        "note": "seconds of one model, trained and asked; each way is timed on so many models and divided by them",
        "seconds": seconds,
        "cpu_seconds": cpu,
        "medians": {name: median(of) for name, of in seconds.items()},
        "ratios": ratios,
        "at_least": case.at_least,
        "met": case.at_least is None or ratios["plain / batch"] >= case.at_least,
        "peak_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
    }


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def correctness(model: str, data: Dataset, *, small: bool) -> dict[str, Any]:
    """Train a few models at once and one at a time; return the largest differences of any posterior.

    In single precision the same steps in another order of sums end elsewhere, so the plain loop in single and in double
    precision, which differ for the same reason, are compared too.
    """
    found: dict[str, Any] = {}
    plain: dict[str, list[Any]] = {}
    for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        at_once, alone = (begun(model, data, dtype, 3, small=small) for _ in range(2))
        network = resolve_model(model).make(seed=0)
        network = network[-1] if model == "torch-mlp" else network
        plan = plan_batch(network, tuple(data.X.shape[1:]), len(data.class_values), keyed=True)
        if isinstance(plan, str):
            # without a GPU, where an audit does not train these at once
            plan = BatchPlan(8, stacked=True, structure="", group=4)
        found["trained_at_once"] = plan.width(TRAIN_SIZE)
        if error := next((o.error for o in train_batch(plan, at_once) if o.error), None):
            raise error
        for one in alone:
            with one.keyed():
                train_network(one.module, one.records, one.labels, one.inputs, one.recipe, one.seed, one.draws)
        found[name], plain[name] = max(apart(a, b) for a, b in zip(at_once, alone, strict=True)), alone
        if dtype == torch.float32:
            found["mean_float32"] = float(
                np.mean([apart(a, b, mean=True) for a, b in zip(at_once, alone, strict=True)])
            )
            beside = begun(model, data, dtype, 5 if small else 40, small=small)
            train_batch(plan, beside)
            found["same_bits_beside_others"] = all(
                torch.equal(p, q)
                for a, b in zip(at_once, beside, strict=False)
                for p, q in zip(a.module.parameters(), b.module.parameters(), strict=True)
            )
    both = list(zip(plain["float32"], plain["float64"], strict=True))
    found["plain_float32_against_float64"] = max(apart(a, b) for a, b in both)
    found["mean_plain_float32_against_float64"] = float(np.mean([apart(a, b, mean=True) for a, b in both]))
    return {**found, "equal": found["float64"] < TOLERANCE}


def begun(model: str, data: Dataset, dtype: torch.dtype, how_many: int, *, small: bool) -> list[Any]:
    """Return what some trainings start from."""
    made = []
    rows = np.random.default_rng(1).permutation(len(data))[: 130 if small else 1000]
    for seed in range(how_many):
        estimator = resolve_model(model).make(seed)
        network = estimator[-1] if model == "torch-mlp" else estimator
        network.set_params(epochs=1 if small else 5)
        X = data.X[rows]
        X = StandardScaler().fit_transform(X) if model == "torch-mlp" else X
        with network.begin(X, data.y[rows], data.record_ids[rows]) as one:
            inputs = one.inputs(one.records).to(dtype)
            made.append(replace(one, module=one.module.to(dtype), records=inputs, inputs=lambda x: x))
    return made


def apart(one: Any, other: Any, *, mean: bool = False) -> float:
    """Return the largest (or the mean) difference of two models' posteriors."""
    with torch.no_grad():
        a, b = (of.module.eval()(of.records).double().softmax(dim=1) for of in (one, other))
    gap = (a - b).abs()
    return float(gap.mean() if mean else gap.max())


def profile(case: Case) -> None:
    """Print where the time of one world goes, on the GPU and on the way to it."""
    import cProfile
    import pstats

    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as recording

    data = prepared(case.data)
    world = replace(case, worlds=1)
    ours(world, data)
    asked = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    source = resolve_model(case.model, {"max_steps": 40})
    retrain = Retrain.for_model(source, Regime.FIXED)[0]
    training, requests, _ = next(trainings(data, world))
    with recording(activities=asked) as seen:
        original = retrain.learn(source, data, training, 0)
        list(retrain.unlearn_many(original, requests, [0] * len(requests)))
        wait()
    by = "self_device_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
    print(seen.key_averages().table(sort_by=by, row_limit=32, max_name_column_width=70))
    way = cProfile.Profile()
    way.enable()
    ours(world, data)
    wait()
    way.disable()
    pstats.Stats(way).sort_stats("tottime").print_stats(32)


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    facts: dict[str, Any] = {
        "cpus": os.cpu_count(),
        "processor": processor(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scikit-learn")},
    }
    if torch.cuda.is_available():
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        try:
            driver = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            driver = "unknown"
        of = torch.cuda.get_device_properties(0)
        facts |= {"gpu": of.name, "gpu_bytes": of.total_memory, "cuda": torch.version.cuda, "driver": driver}
    return facts


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
