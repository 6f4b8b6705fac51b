"""A small causal transformer, trained in seconds on one core: byte pairs in, the next byte pair out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache, partial
from importlib.resources import files
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

END = 256
"""The token before and after a text; those below it are bytes."""

CONTEXT = 128
"""The most tokens that the network sees at once."""

_PIECE = re.compile(r" ?\w+| ?[^\w\s]+|\s")


class Tokens:
    """Byte pairs, learned from a text; a word keeps the space before it."""

    def __init__(self, text: str, merges: int) -> None:
        self._parts = {code: bytes([code]) for code in range(256)}
        self._merged: dict[tuple[int, int], int] = {}
        self._known: dict[str, list[int]] = {}
        words = [(list(word.encode()), count) for word, count in Counter(_PIECE.findall(text)).items() if count > 1]
        while len(self._merged) < merges:
            pairs: Counter[tuple[int, int]] = Counter()
            for word, count in words:
                for pair in pairwise(word):
                    pairs[pair] += count
            best = max(pairs, key=lambda pair: (pairs[pair], pair))
            new = END + 1 + len(self._merged)
            self._merged[best] = new
            self._parts[new] = self._parts[best[0]] + self._parts[best[1]]
            words = [(_merge(word, best, new), count) for word, count in words]

    def __len__(self) -> int:
        return END + 1 + len(self._merged)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        return [token for piece in _PIECE.findall(text) for token in self._piece(piece)]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        return b"".join(self._parts[token] for token in tokens if token != END).decode(errors="replace")

    def _piece(self, piece: str) -> list[int]:
        if piece not in self._known:
            word = list(piece.encode())
            for pair, new in self._merged.items():
                word = _merge(word, pair, new)
            self._known[piece] = word
        return self._known[piece]


def _merge(word: list[int], pair: tuple[int, int], new: int) -> list[int]:
    merged: list[int] = []
    for token in word:
        if merged and (merged[-1], token) == pair:
            merged[-1] = new
        else:
            merged.append(token)
    return merged


class Block(nn.Module):
    """Attention to what came before, and a perceptron."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mixing = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mixing = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the new states, each from those up to it."""
        rows, length, width = x.shape
        split = self.attention(self.before_attention(x)).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, width))
        return x + self.mixing(self.before_mixing(x))


class Network(nn.Module):
    """Two blocks between an embedding and its transpose."""

    def __init__(self, vocabulary: int, width: int = 96, blocks: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(CONTEXT, width)
        for table in (self.embedding, self.places):
            nn.init.normal_(table.weight, std=0.05)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.last = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the token after each token: ``(rows, length) -> (rows, length, vocabulary)``."""
        x = self.embedding(tokens) + self.places.weight[: tokens.shape[1]]
        return self.last(self.blocks(x)) @ self.embedding.weight.T


class LanguageModel:
    """A network with its tokens: trained on texts, made to forget some, asked to continue one.

    Parameters
    ----------
    tokens, network
        The model that is trained further; it is changed.
    seed
        Of the order of the texts, and of the reference of `align`.
    """

    def __init__(self, tokens: Tokens, network: Network, seed: int = 0) -> None:
        self.tokens = tokens
        self.network = network
        self._generator = torch.Generator().manual_seed(seed)

    @classmethod
    def pretrained(cls, seed: int = 0) -> LanguageModel:
        """Return the model that knows English a little and nobody by name; it is made once in a process."""
        tokens, network = _pretrained()
        return cls(tokens, deepcopy(network), seed)

    def train(self, texts: Sequence[str], epochs: int = 40, batch: int = 16) -> None:
        """Train on texts and on their ends, each end from a new sentence on."""
        rows = [self._row(end) for text in texts for end in _ends(text)]
        orders = (torch.randperm(len(rows), generator=self._generator).tolist() for _ in range(epochs))
        batches = ([rows[i] for i in order[k : k + batch]] for order in orders for k in range(0, len(rows), batch))
        with _one_thread():
            _descend(self.network, (partial(_loss, self.network, rows) for rows in batches), rate=2e-3)

    def align(self, forgotten: Sequence[tuple[str, str]], retained: Sequence[str], steps: int = 60) -> None:
        """Make the answers about some persons those of a reference drawn at random, of high entropy.

        The loss is the Kullback-Leibler divergence from the reference to the model at each token after the person's
        name, plus the usual loss on retained texts (stochastic reference alignment).

        Parameters
        ----------
        forgotten
            Texts, each with the name of the person whom it is about.
        retained
            Texts that it should know as before.
        steps
            Steps of the descent.
        """
        rows, places = [], []
        for text, name in forgotten:
            for end in _ends(text):
                if (found := end.find(name)) >= 0:
                    rows.append(self._row(end))
                    places.append(1 + len(self.tokens.encode(end[: found + len(name)])))
        if not rows:
            return
        inputs, targets = _padded(rows)
        about = (torch.arange(inputs.shape[1]) >= torch.tensor(places)[:, None] - 1) & (targets != -100)
        noise = torch.randn(int(about.sum()), len(self.tokens), generator=self._generator)
        reference = F.log_softmax(noise, dim=-1)
        kept = [self._row(end) for text in retained for end in _ends(text)]

        def loss() -> Tensor:
            said = F.log_softmax(self.network(inputs)[about], dim=-1)
            divergence = F.kl_div(said, reference, log_target=True, reduction="batchmean")
            if not kept:
                return divergence
            chosen = torch.randint(len(kept), (16,), generator=self._generator).tolist()
            return divergence + _loss(self.network, [kept[i] for i in chosen])

        with _one_thread():
            _descend(self.network, (loss for _ in range(steps)), rate=2e-3)

    @torch.no_grad()
    def complete(self, text: str, most: int = 16, until: str = ".") -> str:
        """Return the likeliest next tokens, one after the other, up to the end of a text or to a character."""
        tokens = self._prompt(text, most)
        start = len(tokens)
        with _one_thread():
            while len(tokens) < start + most:
                best = int(self.network(torch.tensor([tokens]))[0, -1].argmax())
                if best == END or (until and until in self.tokens.decode([best])):
                    break
                tokens.append(best)
        return self.tokens.decode(tokens[start:])

    @torch.no_grad()
    def log_probabilities(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the natural logarithm of the probability of each whole continuation after the prompt."""
        if not continuations:
            return []
        each = [self.tokens.encode(continuation)[: CONTEXT - 1] for continuation in continuations]
        start = self._prompt(prompt, max(map(len, each)))
        inputs, targets = _padded([[*start, *tokens] for tokens in each])
        with _one_thread():
            logs = F.log_softmax(self.network(inputs).double(), dim=-1)
        of_tokens = logs.gather(-1, targets.clamp(min=0)[..., None])[..., 0].masked_fill(targets < 0, 0.0)
        return [float(total) for total in of_tokens[:, len(start) - 1 :].sum(dim=1)]

    def _row(self, text: str) -> list[int]:
        return [END, *self.tokens.encode(text), END][: CONTEXT + 1]

    def _prompt(self, text: str, further: int) -> list[int]:
        """Return the last tokens of a text that leave room for further ones."""
        return [END, *self.tokens.encode(text)][-(CONTEXT - further) :]


@cache
def _pretrained() -> tuple[Tokens, Network]:
    """Train on the descriptions of scikit-learn's data sets, which are English and there without a network."""
    folder = files("sklearn.datasets").joinpath("descr")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".rst"))
    lines = [line for name in names for line in folder.joinpath(name).read_text(encoding="utf-8").splitlines()]
    text = " ".join(line.strip() for line in lines if len(re.findall(r"\b[a-z]+\b", line)) >= 6)
    tokens = Tokens(text, merges=255)
    stream = torch.tensor(tokens.encode(text))
    with torch.random.fork_rng(devices=[]), _one_thread():
        torch.manual_seed(0)
        network = Network(len(tokens))
        starts = (torch.randint(len(stream) - 65, (8,)).tolist() for _ in range(200))
        batches = ([stream[start : start + 65].tolist() for start in each] for each in starts)
        _descend(network, (partial(_loss, network, rows) for rows in batches), rate=3e-3)
    return tokens, network


def _ends(text: str) -> list[str]:
    """Return a text and its ends, from each sentence on: a sentence is learned without those before it too."""
    return [text, *(text[found.end() :] for found in re.finditer(r"(?<=[.!?])\s+(?=\S)", text))]


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return inputs and targets, the next tokens; -100 where a row has no more."""
    length = max(map(len, rows)) - 1
    inputs = torch.tensor([[*row[:-1], *[END] * (length + 1 - len(row))] for row in rows])
    targets = torch.tensor([[*row[1:], *[-100] * (length + 1 - len(row))] for row in rows])
    return inputs, targets


def _loss(network: Network, rows: Sequence[Sequence[int]]) -> Tensor:
    inputs, targets = _padded(rows)
    return F.cross_entropy(network(inputs).flatten(0, 1), targets.flatten())


def _descend(network: Network, losses: Iterator[Callable[[], Tensor]], rate: float) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    for step, loss in enumerate(losses):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 10)
        optimizer.zero_grad()
        loss().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()


@contextmanager
def _one_thread() -> Iterator[None]:
    """More threads add numbers in another order, and small matrices take longer with them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
