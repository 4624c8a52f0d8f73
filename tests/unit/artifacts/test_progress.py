"""What is shown of an upload while it lasts."""

from concurrent.futures import ThreadPoolExecutor

from caraml_pulumi.artifacts.progress import Progress


def test_the_text_says_how_much_of_what_is_done() -> None:
    progress = Progress()
    progress.begin(4, 200 << 20)
    progress.add(100 << 20, files=1)
    progress.sent(30 << 20, files=1)
    assert progress.text.startswith("━━━━━━──── 65 % of 200.0 MiB, 2 of 4 files, ")
    assert (progress.sent_files, progress.sent_bytes) == (1, 30 << 20)


def test_a_model_of_empty_files_is_done_at_once() -> None:
    progress = Progress()
    progress.begin(1, 0)
    assert "100 % of 0.0 MiB, 0 of 1 files" in progress.text


def test_counts_from_many_threads_are_all_counted_and_told_one_at_a_time() -> None:
    told: list[int] = []
    progress = Progress(lambda now: told.append(now.done_files))
    progress.begin(1000, 1000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: progress.sent(1, files=1), range(1000)))
    assert told == list(range(1, 1001))
