"""Ours and three other scanners: how each is called for our list of questions, and its answers in one vocabulary.

An answer is a map of questions to values: True or False, a set of names, or a word; a question that a scanner does not
answer is left out. What we asked and did not find out is UNKNOWN, which agrees with nothing.
"""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from peers import NAME

VERSIONS = ["SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"]
UNKNOWN = "unknown"
ATTACKS = ["DROWN", "POODLE", "BEAST", "LUCKY13", "SWEET32", "RC4", "FREAK", "LOGJAM", "CRIME"]
CURVES = {
    "prime256v1": "secp256r1", "X25519": "x25519", "X448": "x448", "secp256r1 (NIST P-256)": "secp256r1",
    "secp384r1 (NIST P-384)": "secp384r1", "secp521r1 (NIST P-521)": "secp521r1", "secp192r1": "secp192r1",
    "prime192v1": "secp192r1",
}


def suites_file(here):
    names = {}
    path = os.path.join(here, "../../src/probe/tls/suites.txt")
    with open(path, encoding="ascii") as file:
        for line in file:
            if not line.startswith("#"):
                number, name = line.split()
                names[int(number, 16)] = name
    return names


def curve(name):
    return CURVES.get(name, name.split(" ")[0])


class Ours:
    name = "ours"

    def __init__(self, program):
        self.program = program

    def command(self, port, out):
        return ["sh", "-c", f'"$0" 127.0.0.1:{port} {NAME} >"$1"', self.program, out]

    def answers(self, out):
        with open(out, encoding="utf-8") as file:
            said = json.load(file)
        view, answers = said["view"], {}
        version = {"ssl2": "SSL 2.0", "ssl3": "SSL 3.0", "tls10": "TLS 1.0", "tls11": "TLS 1.1", "tls12": "TLS 1.2"}
        version["tls13"] = "TLS 1.3"
        for key, look in view["versions"].items():
            known = look["result"].get("known")
            answers[version[key]] = UNKNOWN if known is None else "accepted" in known
        for key, look in view["survey"]["suites"].items():
            if "known" not in look["result"]:
                answers[f"{version[key]} suites"] = UNKNOWN
            else:
                known = look["result"]["known"]
                answers[f"{version[key]} suites"] = set(known["accepted"])
                if known["order"] != "open":
                    answers[f"{version[key]} server order"] = known["order"] == "server"
        groups, unknown = set(), False
        for key, look in view["survey"]["groups"].items():
            known = look["result"].get("known")
            unknown |= known is None
            groups |= set(known or [])
            answers[f"{version[key]} groups"] = UNKNOWN if known is None else set(known)
        answers["curves"] = UNKNOWN if unknown else {name for name in groups if not name.startswith("ffdhe")}
        primes = view["survey"]["primes"]["result"].get("known")
        if primes or primes is None:
            answers["DHE bits"] = str(min(prime["bits"] for prime in primes)) if primes else UNKNOWN
        chain = view["chain"]["result"].get("known")
        if chain:
            leaf = chain["certificates"][0]
            answers["key bits"] = {str(leaf["key"]["bits"])}
            answers["signed with"] = leaf["signature"]
            answers["until"] = leaf["not_after"][:10]
            answers["stapled"] = chain["stapled"]
        second = view.get("second_chain")
        answers["second certificate"] = bool(second)
        if second and second["result"].get("known"):
            answers["key bits"].add(str(second["result"]["known"]["certificates"][0]["key"]["bits"]))
        session = view["survey"]["session"]["result"].get("known")
        if session and session != "only_tls13":
            older = session["older"]
            answers["secure renegotiation"] = older["secure_renegotiation"]
            answers["compression"] = older["compression"] != 0
            answers["heartbeat"] = older["heartbeat"]
            answers["extended master secret"] = older["extended_master_secret"]
        elif not session:
            for question in ("secure renegotiation", "compression", "heartbeat", "extended master secret"):
                answers[question] = UNKNOWN
        fallback = view["survey"]["fallback"]["result"].get("known")
        if fallback and fallback != "no_older_version":
            answers["fallback refused"] = fallback == "refused"
        elif not fallback:
            answers["fallback refused"] = UNKNOWN
        for attack, value in said["attacks"].items():
            answers[attack] = UNKNOWN if value is None else value
        return answers


class Testssl:
    name = "testssl.sh"

    def __init__(self, names):
        self.names = names

    def command(self, port, out):
        asked = ["-p", "-E", "-P", "-f", "-S", "-H", "-R", "-C", "-O", "-Z", "-W", "-F", "-D", "-J", "-A", "-L", "-4"]
        quiet = ["--quiet", "--warnings", "off", "--color", "0", "--nodns", "none", "--jsonfile", out]
        return ["testssl", *quiet, *asked, "--ip", "127.0.0.1", f"{NAME}:{port}"]

    def answers(self, out):
        with open(out, encoding="utf-8") as file:
            said = json.load(file)
        answers, curves = {}, set()
        by_id = {row["id"]: row["finding"] for row in said}
        severity = {row["id"]: row["severity"] for row in said}
        ids = ["SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"]
        for version, key in zip(VERSIONS, ids):
            if key in by_id:
                answers[version] = by_id[key].startswith(("offered", "supported"))
        lists = {}
        for key, finding in by_id.items():
            match = re.fullmatch(r"cipher-(ssl3|tls1|tls1_1|tls1_2|tls1_3)_x([0-9a-f]+)", key)
            if match:
                version = VERSIONS[1 + ["ssl3", "tls1", "tls1_1", "tls1_2", "tls1_3"].index(match[1])]
                number = int(match[2], 16)
                lists.setdefault(f"{version} suites", set()).add(self.names.get(number, match[2]))
        answers.update(lists)
        for key in ("PFS_ECDHE_curves", "FS_ECDHE_curves"):
            if key in by_id:
                curves = {curve(name) for name in by_id[key].split()}
                answers["curves"] = curves
        # A handshake that its OpenSSL could not make is a warning, and no answer.
        if by_id.get("secure_renego", "").startswith(("supported", "VULNERABLE")):
            answers["secure renegotiation"] = by_id["secure_renego"].startswith("supported")
        if "fallback_SCSV" in by_id and "supported" in by_id["fallback_SCSV"]:
            answers["fallback refused"] = by_id["fallback_SCSV"].startswith("supported")
        if "heartbleed" in by_id:
            answers["heartbeat"] = "no heartbeat extension" not in by_id["heartbleed"]
        if "OCSP_stapling" in by_id:
            answers["stapled"] = by_id["OCSP_stapling"].startswith("offered")
        sizes = [re.search(r"\d+(?= bits)", by_id[key]) for key in by_id if key.startswith("cert_keySize")]
        if sizes:
            answers["key bits"] = {size[0] for size in sizes if size}
        table = {"POODLE": "POODLE_SSL", "CRIME": "CRIME_TLS"}
        for attack in ATTACKS:
            finding = by_id.get(table.get(attack, attack), "")
            if finding:
                answers[attack] = not finding.startswith(("not vulnerable", "not offered", "no ", "Not vulnerable"))
        # A prime that others have is told apart, by how short it is: 800 bits are critical, 1024 are high.
        if severity.get("LOGJAM-common_primes") in ("CRITICAL", "HIGH"):
            answers["LOGJAM"] = True
        return answers


class Sslyze:
    name = "sslyze"

    def __init__(self, folder):
        self.program = os.path.join(folder, "bin/sslyze")

    def command(self, port, out):
        asked = ["--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--certinfo", "--reneg"]
        asked += ["--fallback", "--compression", "--elliptic_curves", "--ems", "--mozilla_config", "disable"]
        return [self.program, *asked, "--quiet", f"--json_out={out}", f"{NAME}:{port}{{127.0.0.1}}"]

    def answers(self, out):
        with open(out, encoding="utf-8") as file:
            said = json.load(file)["server_scan_results"][0].get("scan_result") or {}
        answers, sizes = {}, []
        keys = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"]
        for version, key in zip(VERSIONS, keys):
            result = (said.get(f"{key}_cipher_suites") or {}).get("result")
            if result is not None:
                names = {row["cipher_suite"]["name"] for row in result["accepted_cipher_suites"]}
                answers[version] = bool(names)
                if names and version != "SSL 2.0":
                    answers[f"{version} suites"] = names
                if version != "TLS 1.3":
                    sizes += [row["ephemeral_key"]["size"] for row in result["accepted_cipher_suites"]
                              if (row.get("ephemeral_key") or {}).get("type_name") == "DH"]
        if sizes:
            answers["DHE bits"] = str(min(sizes))

        def result(key):
            return (said.get(key) or {}).get("result") or {}

        curves = result("elliptic_curves").get("supported_curves")
        if curves:
            answers["curves"] = {curve(row["name"]) for row in curves}
        for question, key, field in (
            ("fallback refused", "tls_fallback_scsv", "supports_fallback_scsv"),
            ("compression", "tls_compression", "supports_compression"),
            ("secure renegotiation", "session_renegotiation", "supports_secure_renegotiation"),
        ):
            if field in result(key):
                answers[question] = result(key)[field]
        ems = result("tls_extended_master_secret").get("supports_ems_extension")
        if ems is not None:
            answers["extended master secret"] = ems
        if "compression" in answers:
            answers["CRIME"] = answers["compression"]
        deployments = result("certificate_info").get("certificate_deployments")
        if deployments:
            leaf = deployments[0]["received_certificate_chain"][0]
            leaves = [deployment["received_certificate_chain"][0] for deployment in deployments]
            answers["key bits"] = {str(leaf["public_key"]["key_size"]) for leaf in leaves}
            answers["until"] = leaf["not_valid_after"][:10]
            answers["stapled"] = deployments[0]["ocsp_response"] is not None
            answers["second certificate"] = len(deployments) > 1
        return answers


class Sslscan:
    name = "sslscan"

    def __init__(self, names):
        self.names = names

    def command(self, port, out):
        return ["sslscan", "--no-colour", f"--xml={out}", f"--sni-name={NAME}", "--ocsp", f"127.0.0.1:{port}"]

    def answers(self, out):
        test = ElementTree.parse(out).getroot().find("ssltest")
        answers, versions = {}, {"SSLv2": "SSL 2.0", "SSLv3": "SSL 3.0"}
        for minor in range(4):
            versions[f"TLSv1.{minor}"] = f"TLS 1.{minor}"
        for row in test.findall("protocol"):
            kind = "SSL" if row.get("type") == "ssl" else "TLS"
            number = row.get("version") + (".0" if "." not in row.get("version") else "")
            answers[f"{kind} {number}"] = row.get("enabled") == "1"
        sizes = []
        for row in test.findall("cipher"):
            version = versions[row.get("sslversion")]
            if version != "SSL 2.0":
                number = int(row.get("id"), 16)
                answers.setdefault(f"{version} suites", set()).add(self.names.get(number, row.get("cipher")))
            if row.get("dhebits") and version != "TLS 1.3":
                sizes.append(int(row.get("dhebits")))
        if sizes:
            answers["DHE bits"] = str(min(sizes))
        groups = {}
        for row in test.findall("group"):
            groups.setdefault(versions[row.get("sslversion")], set()).add(curve(row.get("name")))
        for version, names in groups.items():
            answers[f"{version} groups"] = names
        fallback, again = test.find("fallback"), test.find("renegotiation")
        if fallback is not None:
            answers["fallback refused"] = fallback.get("supported") == "1"
        if again is not None:
            answers["secure renegotiation"] = again.get("secure") == "1"
        pressed = test.find("compression")
        if pressed is not None:
            answers["compression"] = answers["CRIME"] = pressed.get("supported") == "1"
        key = test.find("certificates/certificate/pk")
        if key is not None:
            answers["key bits"] = {key.get("bits")}
        signed = test.findtext("certificates/certificate/signature-algorithm")
        if signed:
            answers["signed with"] = signed
        return answers


def run(scanner, port, out):
    """Seconds, and the answers."""
    import time

    if os.path.exists(out):
        os.remove(out)
    began = time.monotonic()
    subprocess.run(
        scanner.command(port, out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=1800, check=False,
    )
    took = time.monotonic() - began
    if not os.path.exists(out):
        # Nothing said would count as nothing missed.
        sys.exit(f"{scanner.name} wrote nothing: {' '.join(scanner.command(port, out))}")
    return took, scanner.answers(out)
