"""Reads what `go test -json` wrote for several runs and says what passed, failed and was left out.

    outcome.py left_out.txt RUN.json...

A test is left out when it passes in no run: it skips itself, for a reason that has to stand in left_out.txt, or it
fails and its name stands there. Whatever else fails is a failure, and so is a line of left_out.txt that is no longer
true. It deliberately runs nothing.
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
        test = (event.get("Package") or event.get("ImportPath", ""), event.get("Test", ""))
        if event["Action"] in ("output", "build-output"):
            outputs[test] += event["Output"]
        elif event["Action"] in ("pass", "fail", "skip", "build-fail"):
            outcomes[test] = event["Action"].removeprefix("build-")
    return outcomes, outputs


def reason(output):
    """What a test says when it skips itself."""
    said = re.findall(r"^ +\w+\.go:\d+: *(.*)$", output, re.MULTILINE)
    return (said[-1] if said else "") or "skips itself without a word"


class LeftOut:
    """The lines of left_out.txt, and which of them were of use."""

    def __init__(self, path):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        self.lines = [[part.strip() for part in line.split(" | ")] for line in lines]
        self.used = set()

    def why(self, subject):
        """The explanation of a skipped test's reason or a failing test's name."""
        for pattern, why, kong in self.lines:
            if re.fullmatch(pattern, subject):
                self.used.add(pattern)
                return f"{why}; a real Kong {kong}"
        return None

    def stale(self):
        return [pattern for pattern, _, _ in self.lines if pattern not in self.used]


def main(left_out, paths):
    left_out = LeftOut(pathlib.Path(left_out))
    faults, ever, absent = [], set(), {}
    for path in map(pathlib.Path, paths):
        outcomes, outputs = events(path)
        counts = collections.Counter()
        for (package, test), outcome in sorted(outcomes.items()):
            # The outcome of a package repeats those of its tests, unless it did not come to them.
            if not test and (outcome != "fail" or any(key[0] == package and key[1] for key in outcomes)):
                continue
            if outcome == "fail" and (why := left_out.why(test)):
                absent[test] = (f"fails on {path.stem}", why)
                outcome = "skip"
            elif outcome == "fail":
                faults.append(f"go-kong on {path.stem}: FAILED {test or package}\n{outputs[(package, test)]}")
            elif outcome == "skip":
                # The last run speaks: it comes nearest to what the test wants.
                if absent.get(test, ("", None))[1] is None:
                    absent[test] = (reason(outputs[(package, test)]), None)
            else:
                ever.add(test)
            counts[outcome] += 1
        if not counts["pass"]:
            faults.append(f"go-kong on {path.stem}: no test ran")
        print(f"go-kong on {path.stem}: {counts['pass']} passed, {counts['fail']} failed, {counts['skip']} left out")

    groups = collections.defaultdict(list)
    for test, (said, why) in sorted(absent.items()):
        if test not in ever or why:
            groups[(said, why or left_out.why(said))].append(test)
    for (said, why), tests in groups.items():
        if why is None:
            faults.append(f"go-kong: {tests} say '{said}', which left_out.txt does not explain")
        print(f"go-kong: left out, {len(tests)}: {said} ({why}): {', '.join(tests)}")
    faults += [f"go-kong: '{pattern}' stands in left_out.txt and nothing matches it" for pattern in left_out.stale()]
    print(f"go-kong: {len(ever)} tests passed, {sum(map(len, groups.values()))} were left out in every run")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
