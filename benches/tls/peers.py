"""TLS servers from modern to broken, on loopback, by what this computer can serve."""

import os
import socket
import subprocess
import sys
import time

NAME = "t.example.com"
MOZILLA = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
)
ALL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

# Name, what it stands for, program, its settings. {ec}, {rsa}, {short} and {dh2048} are files made here.
SERVERS = [
    ("modern", "Mozilla modern, P-256", "openssl", ["-tls1_3", "-cert", "{ec}.crt", "-key", "{ec}.key"]),
    (
        "intermediate",
        "Mozilla intermediate, P-256 and RSA 2048",
        "openssl",
        ["-no_tls1", "-no_tls1_1", "-cipher", MOZILLA, "-dhparam", "{dh2048}", "-curves", "X25519:P-256:P-384"]
        + ["-cert", "{ec}.crt", "-key", "{ec}.key", "-dcert", "{rsa}.crt", "-dkey", "{rsa}.key"],
    ),
    (
        "legacy",
        "TLS 1.0 to 1.3, every suite OpenSSL has, RSA 2048",
        "openssl",
        ["-cipher", ALL, "-serverpref", "-cert", "{rsa}.crt", "-key", "{rsa}.key"],
    ),
    (
        "old",
        "TLS 1.0 and 1.1 alone, RSA 1024",
        "openssl",
        ["-no_tls1_2", "-no_tls1_3", "-cipher", "DEFAULT:@SECLEVEL=0", "-cert", "{short}.crt", "-key", "{short}.key"],
    ),
    ("broken", "SSLv3 to TLS 1.2, RC4, DES, export and NULL (Java)", "java", []),
    ("heartbeat", "SSLv3 to TLS 1.2, RC4, 3DES, heartbeat (tlslite-ng)", "tlslite", []),
]


def make_files(folder):
    """Keys, certificates and primes; a map of the names in the settings."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "90", "-nodes"]
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    for name, key in (("ec", ec), ("rsa", ["-newkey", "rsa:2048"]), ("short", ["-newkey", "rsa:1024"])):
        openssl("req", "-x509", *key, "-sha256", *subject, "-keyout", f"{name}.key", "-out", f"{name}.crt")
    openssl("pkcs12", "-export", "-in", "rsa.crt", "-inkey", "rsa.key", "-out", "rsa.p12", "-passout", "pass:secret")
    openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", "dh2048")
    names = ["ec", "rsa", "short", "dh2048"]
    return {name: os.path.join(folder, name) for name in names}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(program, settings, files, here):
    """A running server and its port."""
    port = free_port()
    settings = [word.format(**files) for word in settings]
    folder = os.path.dirname(files["ec"])
    if program == "openssl":
        command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", "-naccept", "1000000", *settings]
        # Waiting for a key press would end it.
        command = ["sh", "-c", 'exec "$@" <"$0"', os.path.join(folder, "nothing"), *command]
        if not os.path.exists(os.path.join(folder, "nothing")):
            os.mkfifo(os.path.join(folder, "nothing"))
            os.open(os.path.join(folder, "nothing"), os.O_RDWR)
    elif program == "java":
        weak = os.path.join(here, "Weak.java")
        command = ["java", weak, str(port), os.path.join(folder, "rsa.p12"), "secret"]
    else:
        script = os.path.join(here, "heartbeat.py")
        command = [sys.executable, script, str(port), files["rsa"] + ".crt", files["rsa"] + ".key"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"{program} ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{program} does not listen")
