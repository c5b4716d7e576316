"""The embedded chat model's process: llama.cpp behind an OpenAI-compatible address.

Run as `python -m assistant.adapters.local_server MODEL THREADS CONTEXT [ADAPTER]`. It prints its
address as one line and ends when its standard input closes, so that it can't outlive
the program that started it.
"""

import os
import sys


def main() -> None:
    """Load the model, print the address, wait for the end of standard input."""
    model, threads, context = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # llama.cpp writes its log to both; the address must be alone on what was stdout.
    answer = os.dup(1)
    os.dup2(2, 1)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = context
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # Repacked weights would lie in memory beside the mapped file: 0.6 GB more for no speed.
    params.no_extra_bufts = True
    params.cache_ram_mib = 0
    for path in sys.argv[4:]:
        adapter = xllamacpp.CommonAdapterLoraInfo()
        # Without weight: it has some in those requests only that ask for it.
        adapter.path, adapter.scale = path, 0.0
        params.lora_adapters = [adapter]
    server = xllamacpp.Server(params)
    os.write(answer, f"{server.listening_address}\n".encode())
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
