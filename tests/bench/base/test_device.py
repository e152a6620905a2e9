"""Devices: the same bits on each, times that say when they were disturbed, and one refusal for what is not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from bench.base import device as devices
from bench.base.errors import UsageError
from bench.images.png import to_tensor
from tests.conftest import photo

CPU = torch.device("cpu")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU")
    return torch.device(request.param)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="got tpu, expected auto, cpu or cuda"):
        devices.usable_device("tpu")
    assert devices.usable_device("cpu") == "cpu"
    if not torch.cuda.is_available():
        assert devices.usable_device("auto") == "cpu"
        with pytest.raises(UsageError, match="no usable GPU; use the device cpu"):
            devices.usable_device("cuda")


@pytest.mark.parametrize(
    ("able", "precision"),
    [({"amx_bf16": True}, "bf16"), ({"amx_bf16": False, "avx512_bf16": True}, "bf16"), ({"avx2": True}, "no")],
)
def test_a_training_is_in_bf16_where_the_processor_has_instructions_for_it(monkeypatch, able, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert devices.training_precision("cpu") == precision
    assert devices.training_precision("cuda") == "bf16"


@pytest.mark.parametrize("device", DEVICES, indirect=True)
def test_pixels_are_the_same_bits_everywhere(device):
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    expected = (pixels.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)[None]
    assert np.array_equal(to_tensor(pixels, device).cpu().numpy(), expected)


@pytest.mark.parametrize("device", DEVICES, indirect=True)
def test_a_call_is_timed_to_its_end(device):
    image = to_tensor(photo(0, 256, 256), device)

    def work():
        time.sleep(0.2)
        return torch.fft.fft2(image).abs().sum()

    total, timed = devices.timed(work, device, 1)
    assert total > 0
    assert 0.2 <= timed.seconds < 2
    assert devices.memory(device)["peak_memory_mb"] > 1


@pytest.mark.parametrize("queues", [[None], [1.0, None], [2.0, 1.0]], ids=["not Linux", "then gone", "less"])
def test_where_nobody_counts_what_a_call_waited_it_is_what_no_processor_worked_on(queues, monkeypatch):
    """Nor is it less than nothing, where threads have ended with what they waited."""
    left = iter(queues)
    monkeypatch.setattr(devices, "_seconds_in_queues", lambda: next(left, queues[-1]))
    _, timed = devices.timed(lambda: time.sleep(0.1), CPU, 1)
    assert timed.waited == 0 if queues[-1] else timed.waited > 0.8


def test_queues_are_counted_where_the_system_counts_them(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "Path", lambda _: tmp_path)
    assert devices._seconds_in_queues() is None
    for name, text in (("1", "5 2000000000 7"), ("2", "5 500000000 7"), ("3", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "schedstat").write_text(text)
    assert devices._seconds_in_queues() == 2.5, "a thread that ends meanwhile has nothing to say"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads are bound to one core to disturb them")
def test_a_call_that_shares_its_core_waited_and_one_that_sleeps_did_not():
    """Two other threads on the same core leave it a third of the time: it waits for some two thirds."""
    cores, core = os.sched_getaffinity(0), {min(os.sched_getaffinity(0))}
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        for pid in (0, *(process.pid for process in busy)):
            os.sched_setaffinity(pid, core)
        _, shared = devices.timed(lambda: sum(range(10_000_000)), CPU, 1)
    finally:
        os.sched_setaffinity(0, cores)
        for process in busy:
            process.kill()
            process.wait()
    assert 0.3 < shared.waited <= 1
    _, slept = devices.timed(lambda: time.sleep(0.3), CPU, 1)
    assert slept.waited < 0.3
