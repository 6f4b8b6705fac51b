"""Recorded work gives what the work gives, where there is a GPU and where there is none."""

import pytest
import torch

from unlearn_audit.models.networks.batched.recorded import Recorded

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=ON_GPU)])
def test_each_call_does_the_work_on_what_memory_holds_then(device):
    state, given = (torch.zeros(3, device=device) for _ in range(2))
    work = Recorded(lambda: state.mul_(2).add_(given), torch.device(device))
    expected = torch.zeros(3)
    for call in range(5):
        given.fill_(call)
        work()
        expected = 2 * expected + call
        assert torch.equal(state.cpu(), expected)


def test_without_a_gpu_the_work_is_called_each_time():
    calls = []
    work = Recorded(lambda: calls.append(1), torch.device("cpu"))
    for _ in range(3):
        work()
    assert len(calls) == 3


@ON_GPU
def test_on_a_gpu_the_work_is_called_to_do_it_and_to_record_it():
    calls = []
    work = Recorded(lambda: calls.append(1), torch.device("cuda"))
    for _ in range(4):
        work()
    assert len(calls) == 2
