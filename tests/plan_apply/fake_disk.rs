//! What a fake host's disk holds before anything is deployed, and what the packages bring that it can install.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use anteroom::plan::residue_table;
use anteroom::render::Scope;
use anteroom::render::Transport;
use anteroom::render::Wanted;

const DOUBLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plan_apply/doubles");

/// On the host from the start; jq, which the plan also wants, is somebody else's.
const BASE: &[&str] = &[
    "base-files",
    "ca-certificates",
    "iproute2",
    "jq",
    "logrotate",
    "openssh-server",
    "procps",
];

/// Packages that bring another one along.
const DEPENDS: &[(&str, &str)] = &[
    ("nginx", "nginx-common"),
    ("prosody", "lua-socket"),
    ("coturn", "libevent"),
];

const UNITS: &[(&str, &str)] = &[
    ("prosody", "prosody.service"),
    ("nginx", "nginx.service"),
    ("coturn", "coturn.service"),
    ("jicofo", "jicofo.service"),
    ("jitsi-videobridge2", "jitsi-videobridge2.service"),
    ("nftables", "nftables.service"),
    ("chrony", "chrony.service"),
];

/// What a package's own script removes when it is purged.
const PURGED: &[(&str, &str)] = &[
    ("jicofo", "/etc/jitsi/jicofo"),
    ("jitsi-videobridge2", "/etc/jitsi/videobridge"),
];

/// Files of packages at places that the plan wants otherwise.
const FILES: &[(&str, &str)] = &[
    ("prosody", "etc/prosody/prosody.cfg.lua"),
    ("prosody", "etc/prosody/conf.d/localhost.cfg.lua"),
    ("prosody", "etc/prosody/conf.avail/example.com.cfg.lua"),
    ("prosody", "etc/logrotate.d/prosody"),
    ("nginx", "etc/nginx/nginx.conf"),
    ("nginx", "etc/nginx/conf.d/readme"),
    ("nginx", "etc/nginx/sites-available/default"),
    ("nginx", "etc/nginx/sites-enabled/default"),
    ("nginx", "etc/logrotate.d/nginx"),
    ("coturn", "etc/turnserver.conf"),
    ("coturn", "etc/default/coturn"),
    ("jicofo", "etc/jitsi/jicofo/config"),
    ("jicofo", "etc/jitsi/jicofo/sip-communicator.properties"),
    ("jitsi-videobridge2", "etc/jitsi/videobridge/config"),
    (
        "jitsi-videobridge2",
        "etc/jitsi/videobridge/sip-communicator.properties",
    ),
    ("jitsi-meet-prosody", "etc/prosody/conf.d/jaas.cfg.lua"),
    ("jitsi-meet-web", "etc/nginx/modules-enabled/60-jitsi-meet.conf"),
    ("lua-basexx", "usr/share/lua/5.1/basexx.lua"),
    ("lua-inspect", "usr/share/lua/5.1/inspect.lua"),
];

/// Somebody else's: path, mode, content. The first two lie where the plan puts something.
const THEIRS: &[(&str, u32, &str)] = &[
    ("etc/jitsi/meet/telemed.example.com-config.js", 0o600, "their page\n"),
    ("etc/systemd/journald.conf.d/theirs.conf", 0o640, "[Journal]\n"),
    ("etc/ssh/sshd_config", 0o644, "Include /etc/ssh/sshd_config.d/*.conf\n"),
    ("etc/ssh/sshd_config.d/50-theirs.conf", 0o600, "X11Forwarding no\n"),
    ("etc/cron.d/theirs", 0o644, "# theirs\n"),
    ("etc/default/locale", 0o644, "LANG=C.UTF-8\n"),
    ("etc/logrotate.d/wtmp", 0o644, "/var/log/wtmp {\n    monthly\n}\n"),
    ("usr/local/share/ca-certificates/theirs.crt", 0o644, "their root\n"),
    ("var/www/html/theirs.html", 0o644, "their page\n"),
    ("var/lib/theirs/data", 0o600, "their data\n"),
    ("root/notes.txt", 0o600, "their notes\n"),
];

/// Writes the disk of a fresh host for what is wanted of it.
pub(crate) fn write(disk: &Path, wanted: &Wanted) {
    let put = |path: &str, mode: u32, text: &str| {
        let path = disk.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    programs(disk);
    put(
        "etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
    );
    put("etc/group", 0o644, "root:x:0:\nnogroup:x:65534:\nann:x:1000:\n");
    put("etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\n");
    let debian = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
    put("etc/os-release", 0o644, debian);
    put("etc/ssl/certs/ca-certificates.crt", 0o644, "roots\ntheir root\n");
    put("usr/share/double/roots", 0o644, "roots\n");
    put("var/cache/debconf/config.dat", 0o644, "");
    put("var/lib/double/holds", 0o644, "");
    // Whoever writes a file may sync it.
    put("var/lib/double/synced", 0o666, "");
    for folder in [
        "etc/apt/preferences.d",
        "etc/apt/sources.list.d",
        "var/log",
        "var/spool",
        "usr/sbin",
    ] {
        fs::create_dir_all(disk.join(folder)).unwrap();
    }
    for (path, mode, text) in THEIRS {
        put(path, *mode, text);
    }
    fs::set_permissions(
        disk.join("etc/systemd/journald.conf.d"),
        fs::Permissions::from_mode(0o750),
    )
    .unwrap();
    std::os::unix::fs::chown(disk.join("var/lib/theirs/data"), Some(1000), Some(1000)).unwrap();
    for package in BASE {
        put(&format!("var/lib/double/packages/{package}"), 0o644, "ii 1.0\n");
        put(&format!("usr/share/doc/{package}/copyright"), 0o644, "free\n");
    }
    put("usr/lib/systemd/system/ssh.service", 0o644, "[Service]\n[Install]\n");
    for unit in ["systemd-journald.service", "systemd-sysctl.service"] {
        put(&format!("usr/lib/systemd/system/{unit}"), 0o644, "[Service]\n");
    }
    for timer in ["apt-daily.timer", "apt-daily-upgrade.timer"] {
        put(
            &format!("usr/lib/systemd/system/{timer}"),
            0o644,
            "[Timer]\n[Install]\n",
        );
    }
    fs::create_dir_all(disk.join("etc/systemd/system/multi-user.target.wants")).unwrap();
    let link = disk.join("etc/systemd/system/multi-user.target.wants/ssh.service");
    symlink("/usr/lib/systemd/system/ssh.service", link).unwrap();
    for package in &wanted.packages {
        payload(disk, &package.name);
    }
    for (_, package) in DEPENDS {
        payload(disk, package);
    }
    let mut listens = String::new();
    for listener in &wanted.listeners {
        let transport = match listener.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        let address = match listener.scope {
            Scope::Loopback => "127.0.0.1",
            Scope::Public | Scope::Admins => "0.0.0.0",
        };
        if listener.always {
            listens.push_str(&format!("{} {transport} {address} {}\n", listener.unit, listener.port));
        }
    }
    put("usr/share/double/listens", 0o644, &listens);
}

/// This computer's shell and file tools, and the doubles in front of them.
fn programs(disk: &Path) {
    let made = |path: &str| fs::create_dir_all(disk.join(path)).unwrap();
    for folder in [
        "usr/lib/systemd/system",
        "usr/lib/apt",
        "usr/local/sbin",
        "usr/local/bin",
        "usr/local/share",
    ] {
        made(folder);
    }
    for folder in [
        "etc",
        "var/lib/double/packages",
        "var/lib/double/units",
        "usr/share/double",
        "root",
        "srv",
        "opt",
    ] {
        made(folder);
    }
    symlink("/machine/bin", disk.join("usr/bin")).unwrap();
    for entry in fs::read_dir("/usr/lib").unwrap() {
        let name = entry.unwrap().file_name();
        if name != "systemd" && name != "apt" {
            symlink(Path::new("/machine/lib").join(&name), disk.join("usr/lib").join(&name)).unwrap();
        }
    }
    for (name, target) in [
        ("bin", "usr/bin"),
        ("sbin", "usr/sbin"),
        ("lib", "usr/lib"),
        ("lib64", "usr/lib64"),
    ] {
        symlink(target, disk.join(name)).unwrap();
    }
    symlink("/machine/lib64", disk.join("usr/lib64")).unwrap();
    if Path::new("/etc/ld.so.cache").exists() {
        fs::copy("/etc/ld.so.cache", disk.join("etc/ld.so.cache")).unwrap();
    }
    // The distribution chooses awk among several by links below /etc.
    let awk = fs::canonicalize("/usr/bin/awk").unwrap();
    let awk = Path::new("/machine").join(awk.strip_prefix("/usr").unwrap());
    symlink(awk, disk.join("usr/local/sbin/awk")).unwrap();
    for entry in fs::read_dir(DOUBLES).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let places: &[String] = match name.as_str() {
            "README.md" => &[],
            "lib.sh" => &["usr/share/double/lib.sh".to_owned()],
            "apt-helper" => &["usr/lib/apt/apt-helper".to_owned()],
            // Not for the scripts of the tool: its own waiting is real.
            "sleep" => &["usr/local/bin/sleep".to_owned()],
            "userdel" => &[
                "usr/local/sbin/userdel".to_owned(),
                "usr/local/sbin/groupdel".to_owned(),
            ],
            name => &[format!("usr/local/sbin/{name}")],
        };
        for place in places {
            fs::copy(entry.path(), disk.join(place)).unwrap();
            fs::set_permissions(disk.join(place), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// What a package brings: files, users, folders that its scripts make and leave, units.
fn payload(disk: &Path, package: &str) {
    let folder = disk.join("usr/share/double/payload").join(package);
    let root = folder.join("root");
    let mut list = vec![format!("usr/share/doc/{package}/copyright")];
    let units: Vec<&str> = UNITS
        .iter()
        .filter(|(of, _)| *of == package)
        .map(|(_, unit)| *unit)
        .collect();
    list.extend(units.iter().map(|unit| format!("usr/lib/systemd/system/{unit}")));
    list.extend(
        FILES
            .iter()
            .filter(|(of, _)| *of == package)
            .map(|(_, path)| (*path).to_owned()),
    );
    let mut lines: Vec<String> = Vec::new();
    for path in &list {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, format!("of {package}\n[Install]\n")).unwrap();
        for parent in Path::new(path).ancestors().skip(1) {
            let line = format!("/{}", parent.display());
            if line.matches('/').count() > 1 && !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines.extend(list.iter().map(|path| format!("/{path}")));
    lines.sort();
    fs::write(folder.join("list"), lines.join("\n") + "\n").unwrap();
    fs::write(
        folder.join("units"),
        units.iter().map(|unit| format!("{unit}\n")).collect::<String>(),
    )
    .unwrap();
    let (mut users, mut made) = (Vec::new(), Vec::new());
    for (number, line) in residue_table().lines().enumerate() {
        let mut words = line.split(' ');
        let (of, kind, what) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        match kind {
            "user" if of == package => users.push((what.to_owned(), 900 + number)),
            // Made by the packages' files themselves.
            "path" if of == package && !what.starts_with("/etc/jitsi") => made.push(what.to_owned()),
            _ => {}
        }
    }
    let owner = users.first().map_or("root", |(name, _)| name.as_str());
    let made: String = made
        .iter()
        .map(|path| {
            let is_file = Path::new(path).extension().is_some() && !path.ends_with(".d");
            let kind = if is_file { "file" } else { "dir" };
            let owner = if path.starts_with("/var/") { owner } else { "root" };
            format!("{kind} {path} {owner}:{owner}\n")
        })
        .collect();
    fs::write(folder.join("made"), made).unwrap();
    let purged = PURGED.iter().filter(|(of, _)| *of == package);
    fs::write(
        folder.join("purged"),
        purged.map(|(_, path)| format!("{path}\n")).collect::<String>(),
    )
    .unwrap();
    let users: String = users.iter().map(|(name, uid)| format!("{name} {uid}\n")).collect();
    fs::write(folder.join("users"), users).unwrap();
    if let Some((_, other)) = DEPENDS.iter().find(|(of, _)| *of == package) {
        fs::write(folder.join("depends"), format!("{other}\n")).unwrap();
    }
}
