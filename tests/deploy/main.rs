//! The whole program on real hosts: every test runs `anteroom` as an operator does, against a lab host with systemd,
//! sshd, apt and the doubles of Jitsi's packages, and judges by exit code, by what was printed, and by the host itself.
//!
//! Needs root and a kernel with namespaces, a JDK and apt-utils. Where something is missing the tests say `skipped: …`;
//! with `ANTEROOM_TESTS=require` in the environment they fail instead. `ANTEROOM_LAB_BASE` names a folder of base images
//! to share.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and the harness prints"
)]

#[cfg(feature = "aws")]
mod aws;
mod bench;
mod convergence;
mod destroy;
mod drift;
mod faults;
mod harness;
mod host;
mod internal;
mod interrupted;
#[cfg(feature = "aws")]
#[path = "../aws/mock.rs"]
#[allow(dead_code, reason = "the tests of the cloud alone use more of it")]
mod mock;
mod outcome;
mod packages;
mod preflight;
mod refusals;
mod rows;
mod sabotage;
mod spec_file;
mod terraform;
mod token;
mod world;

use std::process::ExitCode;

use crate::harness::Test;

/// The longest first.
const TESTS: &[Test] = &[
    Test {
        name: "a_killed_tool_leaves_a_host_that_converges",
        run: interrupted::a_killed_tool_leaves_a_host_that_converges,
    },
    Test {
        name: "every_sabotage_is_named_by_its_control",
        run: sabotage::every_sabotage_is_named_by_its_control,
    },
    Test {
        name: "accounts_come_log_in_and_go_and_changed_passwords_change",
        run: internal::accounts_come_log_in_and_go,
    },
    Test {
        name: "fifty_hand_edits_are_healed_by_one_apply",
        run: convergence::fifty_hand_edits_are_healed_by_one_apply,
    },
    Test {
        name: "a_host_that_lost_its_power_converges",
        run: interrupted::a_host_that_lost_its_power_converges,
    },
    Test {
        name: "edits_inside_are_named_and_healed",
        run: drift::edits_inside_are_named_and_healed,
    },
    Test {
        name: "edits_outside_are_named_and_healed",
        run: drift::edits_outside_are_named_and_healed,
    },
    Test {
        name: "destroy_leaves_the_host_as_it_was",
        run: destroy::destroy_leaves_the_host_as_it_was,
    },
    Test {
        name: "nobody_is_locked_out",
        run: interrupted::nobody_is_locked_out,
    },
    Test {
        name: "hosts_that_must_not_be_changed_are_not",
        run: refusals::hosts_that_must_not_be_changed_are_not,
    },
    Test {
        name: "a_full_disk_changes_nothing",
        run: faults::a_full_disk_changes_nothing,
    },
    Test {
        name: "a_call_tells_a_sound_bridge_from_others",
        run: token::a_call_tells_a_sound_bridge_from_others,
    },
    Test {
        name: "others_at_work_on_packages_are_waited_for_or_named",
        run: faults::others_at_work_on_packages_are_waited_for_or_named,
    },
    Test {
        name: "a_service_that_cannot_live_is_named_and_undone",
        run: faults::a_service_that_cannot_live_is_named_and_undone,
    },
    Test {
        name: "a_plan_outlives_a_reboot_and_only_one_operator_wins",
        run: faults::a_plan_outlives_a_reboot_and_only_one_operator_wins,
    },
    Test {
        name: "a_link_made_by_token_opens_its_room",
        run: token::a_link_made_by_token_opens_its_room,
    },
    Test {
        name: "a_repository_that_is_down_or_lies_changes_nothing",
        run: packages::a_repository_that_is_down_or_lies_changes_nothing,
    },
    Test {
        name: "a_check_that_fails_changes_nothing",
        run: interrupted::a_check_that_fails_changes_nothing,
    },
    Test {
        name: "what_is_in_the_way_is_told_before_anything_is_touched",
        run: preflight::what_is_in_the_way_is_told_before_anything_is_touched,
    },
    Test {
        name: "a_wrong_clock_and_a_second_root_fail_the_audit",
        run: preflight::a_wrong_clock_and_a_second_root_fail_the_audit,
    },
    Test {
        name: "a_host_that_terraform_tells_of_is_deployed_and_audited",
        run: terraform::a_host_that_terraform_tells_of_is_deployed_and_audited,
    },
    #[cfg(feature = "aws")]
    Test {
        name: "a_machine_of_aws_is_made_deployed_audited_and_gone",
        run: aws::a_machine_of_aws_is_made_deployed_audited_and_gone,
    },
    Test {
        name: "a_second_apply_changes_nothing",
        run: token::a_second_apply_changes_nothing,
    },
];

fn main() -> ExitCode {
    if harness::run(TESTS) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
