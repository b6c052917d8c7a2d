"""Ours, testssl.sh, sslyze and sslscan on the same servers in one run: verdicts cell by cell, and times.

Usage: compare.py OUR_PROGRAM VENV RUNS [SERVER …]. Prints tables for docs/benchmarks.md. Ends with 1 where another scanner
says something within our list that we do not, and nothing here explains it. ANTEROOM_BENCH_SCANNERS names the scanners to
compare with, "sslyze,sslscan" for example; testssl.sh takes minutes.
"""

import os
import statistics
import sys
import tempfile

import peers
import scanners

# (server or *, question or *, scanner): why the two differ. Each was looked into by hand.
EXPLAINED = {
    ("modern", "key bits", "sslscan"): "sslscan prints the strength of a curve, half its length",
    ("intermediate", "key bits", "sslscan"): "sslscan asks for one certificate alone, and prints the strength of its curve, "
    "half its length",
    ("intermediate", "secure renegotiation", "sslscan"): "sslscan asks in TLS 1.3, which cannot renegotiate",
    ("legacy", "secure renegotiation", "sslscan"): "sslscan asks in TLS 1.3, which cannot renegotiate",
    ("legacy", "TLS 1.2 suites", "sslyze"): "sslyze never offers these two: its OpenSSL 1.1 has no cipher left for them, and "
    "sslyze passes over that error without a word; asked for one alone, the server takes each",
    ("broken", "FREAK", "testssl.sh"): "testssl.sh offers export suites in a hello of TLS 1.2 alone; Java takes them up to "
    "TLS 1.0, there with an RSA key of 512 bits in its ServerKeyExchange",
    ("broken", "DHE bits", "sslscan"): "sslscan lists the export suites and prints no length of their prime, which has 512 "
    "bits on the wire; of the others the shortest has 768",
}


def explanation(server, question, scanner):
    for key in ((server, question, scanner), ("*", question, scanner), (server, "*", scanner)):
        if key in EXPLAINED:
            return EXPLAINED[key]
    return None


def shown(value):
    if isinstance(value, set):
        return f"{len(value)}"
    return {True: "yes", False: "no"}.get(value, str(value))


def differ(ours, theirs):
    if isinstance(ours, set) and isinstance(theirs, set):
        more, fewer = sorted(theirs - ours), sorted(ours - theirs)
        words = []
        if more:
            words.append("they also say " + ", ".join(more))
        if fewer:
            words.append("they do not say " + ", ".join(fewer))
        return "; ".join(words)
    return "" if str(ours) == str(theirs) else f"ours {shown(ours)}, theirs {shown(theirs)}"


def main():
    program, venv, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    wanted = sys.argv[4:]
    here = os.path.dirname(os.path.abspath(__file__))
    names = scanners.suites_file(here)
    ours = scanners.Ours(program)
    others = [scanners.Testssl(names), scanners.Sslyze(venv), scanners.Sslscan(names)]
    chosen = os.environ.get("ANTEROOM_BENCH_SCANNERS")
    others = [scanner for scanner in others if not chosen or scanner.name in chosen.split(",")]
    all_times, agreements, disagreements, missed, not_served = {}, [], [], 0, []
    with tempfile.TemporaryDirectory(prefix="anteroom-bench-tls.") as folder:
        files = peers.make_files(folder)
        for server, what, kind, settings in peers.SERVERS:
            if wanted and server not in wanted:
                continue
            try:
                process, port = peers.start(kind, settings, files, here)
            except (RuntimeError, OSError) as error:
                not_served.append(f"{server}: {error}")
                continue
            try:
                times, answers = {}, {}
                for number in range(runs):
                    # In turn, so that a moment of load falls on all of them.
                    for scanner in [ours, *others]:
                        took, answers[scanner.name] = scanners.run(scanner, port, os.path.join(folder, "out"))
                        times.setdefault(scanner.name, []).append(took)
                        print(f"  {server}, run {number + 1}: {scanner.name} {took:.3f} s", file=sys.stderr)
                        sys.stderr.flush()
                all_times[server, what] = {name: statistics.median(list_) for name, list_ in times.items()}
            finally:
                process.kill()
                process.wait()
            mine = answers["ours"]
            for scanner in others:
                theirs = answers[scanner.name]
                same = 0
                asked = [question for question in theirs if question in mine]
                for question in asked:
                    word = differ(mine[question], theirs[question])
                    if not word:
                        same += 1
                        continue
                    why = explanation(server, question, scanner.name)
                    missed += why is None
                    disagreements.append((server, question, scanner.name, word, why or "**unexplained**"))
                agreements.append((server, scanner.name, same, len(asked)))
    report(all_times, agreements, disagreements, not_served, [scanner.name for scanner in others])
    return 1 if missed else 0


def report(all_times, agreements, disagreements, not_served, others):
    print("| server | what it is | ours | " + " | ".join(others) + " |")
    print("|---|---|---|" + "---|" * len(others))
    least = {name: None for name in others}
    for (server, what), times in all_times.items():
        mine = times["ours"]
        row = [f"{times[name]:.2f} s ({times[name] / mine:.0f} ×)" for name in others]
        for name in others:
            ratio = times[name] / mine
            least[name] = ratio if least[name] is None else min(least[name], ratio)
        print(f"| {server} | {what} | {mine * 1000:.0f} ms | " + " | ".join(row) + " |")
    print("\n| server | " + " | ".join(f"agrees with {name}" for name in others) + " |")
    print("|---|" + "---|" * len(others))
    for server, _ in all_times:
        cells = [f"{same} of {count}" for name in others for at, who, same, count in agreements if (at, who) == (server, name)]
        print(f"| {server} | " + " | ".join(cells) + " |")
    if disagreements:
        print("\n| server | question | scanner | difference | why |\n|---|---|---|---|---|")
        for row in disagreements:
            print("| " + " | ".join(row) + " |")
    print("\n| target | | reached |\n|---|---|---|")
    for name, limit in (("testssl.sh", 50), ("sslyze", 10)):
        if least.get(name) is not None:
            word = "yes" if least[name] >= limit else "no"
            print(f"| {name} takes at least {limit} times as long, on every server | {least[name]:.1f} × | {word} |")
    open_ones = sum(1 for row in disagreements if row[4] == "**unexplained**")
    print(f"| no verdict of theirs within our list is missed | {open_ones} unexplained | {'no' if open_ones else 'yes'} |")
    for line in not_served:
        print(f"\nNot served: {line}.")


sys.exit(main())
