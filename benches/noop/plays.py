"""The same work for Ansible and pyinfra: every file, folder, link, package and unit that Anteroom renders for one host.

Usage: plays.py RENDERED_JSON PLAN_JSON SECRETS GENERATED_UNITS FOLDER ADDRESS KEY KNOWN_HOSTS
RENDERED_JSON is `anteroom render --format json`, PLAN_JSON is `anteroom plan --format json` of the host when it was bare,
SECRETS the host's own, for the places that stand for them, GENERATED_UNITS those that systemd makes of init scripts, which
pyinfra takes for disabled. Prints how many of each there are.
"""

import json
import os
import pprint
import re
import sys


def entries(rendered, secrets, folder):
    """Files (with their content written to the folder), folders and links."""
    files, folders, links = [], [], []
    for number, entry in enumerate(rendered["entries"]):
        path, access = entry["path"], entry["access"]
        if access.startswith("-> "):
            links.append({"path": path, "target": access[3:]})
            continue
        mode, owners = access.split()[:2]
        owner, group = owners.split(":")
        thing = {"path": path, "mode": mode, "owner": owner, "group": group}
        if access.endswith(" folder"):
            folders.append(thing)
        elif entry["content"] is not None:
            content = re.sub("<secret:([a-z0-9-]+)>", lambda slot: secrets[slot[1]], entry["content"])
            thing["source"] = os.path.join(folder, "files", str(number))
            with open(thing["source"], "w", encoding="utf-8") as file:
                file.write(content)
            files.append(thing)
    return files, folders, links


def packages_and_units(plan):
    """What the plan of a bare host installs and starts."""
    packages, units = [], []
    for change in plan["hosts"][0]["changes"]:
        if change.startswith("install "):
            packages += change.removeprefix("install ").split(", ")
        unit = re.match(r"(?:start|restart|reload) (\S+\.service)", change)
        if unit and unit[1] not in units:
            units.append(unit[1])
    return packages, units


def playbook(files, folders, links, packages, units):
    """Built-in modules only, and no gathering of facts, which none of them needs here."""
    tasks = [{"apt": {"name": packages, "state": "present", "install_recommends": False}}]
    for thing in folders:
        access = {key: thing[key] for key in ("path", "mode", "owner", "group")}
        tasks.append({"file": {"state": "directory", **access}})
    for thing in files:
        access = {key: thing[key] for key in ("mode", "owner", "group")}
        tasks.append({"copy": {"src": thing["source"], "dest": thing["path"], **access}})
    for link in links:
        tasks.append({"file": {"state": "link", "path": link["path"], "src": link["target"], "follow": False}})
    for unit in units:
        tasks.append({"systemd_service": {"name": unit, "state": "started", "enabled": True}})
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


DEPLOY = '''from pyinfra.operations import apt, files, systemd

apt.packages(packages={packages}, no_recommends=True)
for thing in {folders}:
    files.directory(path=thing["path"], mode=thing["mode"], user=thing["owner"], group=thing["group"])
for thing in {things}:
    files.put(
        src=thing["source"], dest=thing["path"], mode=thing["mode"], user=thing["owner"], group=thing["group"],
        create_remote_dir=False,
    )
for link in {links}:
    files.link(path=link["path"], target=link["target"])
for unit in {units}:
    systemd.service(service=unit, running=True, enabled=None if unit in {generated} else True)
'''

ANSIBLE = """[defaults]
host_key_checking = true
retry_files_enabled = false
interpreter_python = /usr/bin/python3
[ssh_connection]
pipelining = true
ssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes
control_path_dir = {folder}/control
"""


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def main():
    rendered_file, plan_file, secrets_file, generated_file, folder, address, key, known_hosts = sys.argv[1:]
    folder = os.path.abspath(folder)
    with open(rendered_file, encoding="utf-8") as file:
        rendered = json.load(file)
    with open(plan_file, encoding="utf-8") as file:
        plan = json.load(file)
    with open(secrets_file, encoding="utf-8") as file:
        secrets = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    with open(generated_file, encoding="utf-8") as file:
        generated = file.read().split()
    os.makedirs(os.path.join(folder, "files"))
    files, folders, links = entries(rendered, secrets, folder)
    packages, units = packages_and_units(plan)
    # JSON is YAML.
    write(folder, "play.yml", json.dumps(playbook(files, folders, links, packages, units), indent=1))
    write(folder, "ansible.cfg", ANSIBLE.format(folder=folder, known_hosts=known_hosts))
    host = f"{address} ansible_user=root ansible_ssh_private_key_file={key}\n"
    write(folder, "inventory.ini", f"[all]\n{host}")
    deploy = DEPLOY.format(
        packages=packages,
        folders=pprint.pformat(folders),
        things=pprint.pformat(files),
        links=pprint.pformat(links),
        units=units,
        generated=generated,
    )
    write(folder, "deploy.py", deploy)
    data = {"ssh_user": "root", "ssh_key": key, "ssh_known_hosts_file": known_hosts}
    data |= {"ssh_strict_host_key_checking": "yes"}
    write(folder, "inventory.py", f"hosts = [({address!r}, {data})]\n")
    counts = {"files": files, "folders": folders, "links": links, "packages": packages, "units": units}
    print(", ".join(f"{len(things)} {name}" for name, things in counts.items()))


main()
