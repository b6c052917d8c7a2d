//! Faults for the fault loop: the engine that a run sends is taken apart, given a fault at one change, and packed again.
//! The engine itself has no place for faults.

use std::io::Read;

/// What happens at one change of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Which change.
    pub(crate) at: usize,
    pub(crate) kind: FaultKind,
    /// And one more while that is undone.
    pub(crate) undo: Option<UndoFault>,
}

impl Fault {
    pub(crate) fn new(at: usize, kind: FaultKind) -> Self {
        Self { at, kind, undo: None }
    }

    /// The same, and what was done at the same change cannot be undone.
    pub(crate) fn with_undo(self, mode: UndoMode, kind: FaultKind) -> Self {
        Self {
            undo: Some(UndoFault { mode, kind }),
            ..self
        }
    }
}

/// What happens where the change of a fault is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UndoFault {
    pub(crate) mode: UndoMode,
    pub(crate) kind: FaultKind,
}

/// Who undoes a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UndoMode {
    /// The run itself.
    Run,
    /// The next boot.
    Boot,
    /// The dead man's switch.
    Rollback,
}

impl UndoMode {
    fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Boot => "boot",
            Self::Rollback => "rollback",
        }
    }
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It fails before it has done anything.
    FailsBefore,
    /// It does everything and then fails.
    FailsAfter,
    /// The engine and everything it started get SIGKILL before the so-many-th thing that the change does to a file or
    /// a unit, counted from 0; where it does less, after all of them.
    Killed(usize),
    /// The disk fills up there: the one that the engine keeps its record on if that is one of its own, or else all of it.
    DiskFills,
}

/// Programs by which the engine changes a host.
const ACTS: &str = "mv cp rm rmdir mkdir ln chown chmod mknod touch sync systemctl swap_in journal nft plainly";

/// The bundle with a fault in its engine.
pub(crate) fn faulty(bundle: &[u8], fault: &Fault) -> Vec<u8> {
    let mut archive = tar::Archive::new(bundle);
    let mut packed = tar::Builder::new(Vec::new());
    let mut changed = false;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut header = entry.header().clone();
        let path = entry.path().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if path.as_os_str() == "engine.sh" {
            bytes = engine(&String::from_utf8(bytes).unwrap(), fault).into_bytes();
            header.set_size(bytes.len() as u64);
            changed = true;
        }
        packed.append_data(&mut header, path, bytes.as_slice()).unwrap();
    }
    assert!(changed, "the bundle has no engine");
    packed.into_inner().unwrap()
}

/// Shell around one call of the engine: what comes before it and after it.
fn around(kind: FaultKind) -> (&'static str, &'static str) {
    const FAIL: &str = "echo 'the test lets this fail'; return 1";
    match kind {
        FaultKind::FailsBefore => (FAIL, ":"),
        FaultKind::FailsAfter => (":", FAIL),
        FaultKind::Killed(_) => ("acts=0", "kill -9 0"),
        FaultKind::DiskFills => ("fill_disk", ":"),
    }
}

fn engine(text: &str, fault: &Fault) -> String {
    const CALL: &str = "\"do_$step_kind\" \"$1\" \"$step_dir\"";
    const UNDO: &str = "\"undo_$undo_kind\" \"$undo_step\" \"$run/kept/$undo_step\"";
    const MAIN: &str = "\ncase $mode in\nrun) start ;;";
    assert!(
        text.contains(CALL) && text.contains(UNDO) && text.contains(MAIN),
        "the engine looks different now"
    );
    let at = fault.at;
    let wrap = |name: &str, call: &str, mode: UndoMode, kind: FaultKind| {
        let (before, after) = around(kind);
        let here = format!("[ \"$1\" = {at:04} ] && [ $mode = {} ]", mode.word());
        // The acts of an undo that is killed are counted from its own first one.
        let from = if let FaultKind::Killed(act) = kind {
            format!("act_last={act}; ")
        } else {
            String::new()
        };
        format!(
            "\n{name}() {{\n    if {here}; then {from}{before}; fi\n    {call} \"$@\"\n    {name}_result=$?\n    \
             if {here}; then {after}; fi\n    return ${name}_result\n}}\n"
        )
    };
    // A disk in memory is as large as it is told to be.
    let fill = "\nfill_disk() {\n    if [ -e $home/.own ]; then dd if=/dev/zero of=$home/.own bs=4k 2>/dev/null || :\n    \
                else mount -o remount,size=$(df -k / | awk 'NR == 2 { print $3 }')k /; fi\n}\n";
    let mut faults = fill.to_owned() + &wrap("faulty", "\"do_$step_kind\"", UndoMode::Run, fault.kind);
    let mut text = text.replace(CALL, "faulty \"$1\" \"$step_dir\"");
    if let Some(undo) = fault.undo {
        faults += &wrap("faulty_undo", "\"undo_$undo_kind\"", undo.mode, undo.kind);
        text = text.replace(UNDO, "faulty_undo \"$undo_step\" \"$run/kept/$undo_step\"");
    }
    let kinds = [Some(fault.kind), fault.undo.map(|undo| undo.kind)];
    if kinds.iter().any(|kind| matches!(kind, Some(FaultKind::Killed(_)))) {
        faults.push_str(
            "acts=\nact() {\n    [ -n \"$acts\" ] || return 0\n    [ $acts != $act_last ] || kill -9 0\n    acts=$((acts + 1))\n}\n",
        );
        for name in ACTS.split(' ') {
            // A function of the engine's own keeps its work under another name.
            let own = format!("\n{name}() ");
            if !text.contains(&own) {
                faults.push_str(&format!("{name}() {{ act; command {name} \"$@\"; }}\n"));
            }
        }
        for name in ["swap_in", "journal", "plainly"] {
            text = text.replace(&format!("\n{name}() {{\n"), &format!("\n{name}() {{\n    act\n"));
            text = text.replace(&format!("\n{name}() (\n"), &format!("\n{name}() (\n    act\n"));
        }
    }
    text.replace(MAIN, &format!("{faults}{MAIN}"))
}

/// How the death of the tool is told from a panic of the test.
#[derive(Debug)]
pub(crate) struct ToolKilled;

/// The tool dies here.
pub(crate) fn kill_tool() -> ! {
    std::panic::resume_unwind(Box::new(ToolKilled))
}
