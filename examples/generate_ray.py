"""A million images by Ray: python generate_ray.py RUN OUT, on folders that all workers see (pip install ray)."""

import sys

import ray

IMAGES, SHARES = 1_000_000, 64


@ray.remote(num_cpus=4, max_retries=3)  # a task that is killed continues where it was
def write_share(run: str, out: str, number: int) -> int:
    """Write one share of the shards."""
    import semiray
    from semiray.generation import Request, Share, write_sample

    request = Request(semiray.Run.load(run), seed=7)
    write_sample(request, IMAGES, out, form="webdataset", share=Share(number, SHARES))
    return number


def main() -> None:
    """Distribute the shares, and report which are complete."""
    run, out = sys.argv[1:]
    ray.init()
    waiting = [write_share.remote(run, out, number) for number in range(SHARES)]
    while waiting:
        done, waiting = ray.wait(waiting)
        print(f"share {ray.get(done[0])} is complete, {len(waiting)} to go")


if __name__ == "__main__":
    main()
