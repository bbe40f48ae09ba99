"""Reads what `go test -json` wrote for several runs and says what passed, failed and was left out.

    outcome.py left_out.txt RUN.json...

A test passes when it passes in a run and fails in none. One that fails has to stand in left_out.txt, as
`run | test | why | what a real Kong answers`; a line there that is no longer true is an error, too. A test that skips
itself in every run is left out with the reason it gives. It deliberately runs nothing.
"""

import collections
import json
import pathlib
import re
import sys


def events(path):
    """The outcome and the output of every test of a run, by package and name."""
    outcomes, outputs = {}, collections.defaultdict(str)
    for line in path.read_text().splitlines():
        event = json.loads(line)
        test = (event.get("Package", ""), event.get("Test", ""))
        if event["Action"] in ("output", "build-output"):
            outputs[test] += event["Output"]
        elif event["Action"] in ("pass", "fail", "skip"):
            outcomes[test] = event["Action"]
    return outcomes, outputs


def reason(output):
    """What a test says when it skips itself."""
    said = re.findall(r"^ +\w+\.go:\d+: *(.*)$", output, re.MULTILINE)
    return (said[-1] if said else "") or "skips itself without a word"


def main(left_out, paths):
    expected = {}
    for line in pathlib.Path(left_out).read_text().splitlines():
        if line and not line.startswith("#"):
            run, test, why, kong = (part.strip() for part in line.split("|"))
            expected[(run, test)] = f"{why} A real Kong: {kong}"

    sound, ever, skipped = True, set(), {}
    for path in map(pathlib.Path, paths):
        run = path.stem
        outcomes, outputs = events(path)
        counts = collections.Counter()
        for (package, test), outcome in sorted(outcomes.items()):
            # The outcome of a package repeats those of its tests, unless it did not come to them.
            if not test and (outcome != "fail" or any(other for name, other in outcomes if name == package)):
                continue
            if outcome == "fail" and (run, test) in expected:
                print(f"go-kong on {run}: left out: {test}: {expected.pop((run, test))}")
                outcome = "skip"
            elif outcome == "fail":
                print(f"go-kong on {run}: FAILED {test or package}\n{outputs[(package, test)]}")
            elif outcome == "skip":
                skipped[test] = reason(outputs[(package, test)])
            else:
                ever.add(test)
            counts[outcome] += 1
        passed, failed, left = counts["pass"], counts["fail"], counts["skip"]
        print(f"go-kong on {run}: {passed} passed, {failed} failed, {left} left out")
        sound &= failed == 0 and passed > 0

    for test, why in sorted(skipped.items()):
        if test not in ever:
            print(f"go-kong: left out in every run: {test}: {why}")
    for run, test in expected:
        print(f"go-kong on {run}: {test} stands in {left_out} and does not fail")
        sound = False
    print(f"go-kong: {len(ever)} tests passed in some run, {len(set(skipped) - ever)} are left out in every run")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
