//! What a machine of a host is made from, for the real call as for its rehearsal, and which of the host's machines it is.

use std::collections::BTreeSet;

use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::generation;
use crate::machines::aws::inventory::is_of;
use crate::machines::aws::names;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::Launch;
use crate::remote::aws::model::ImageSeen;
use crate::remote::aws::model::Run;
use crate::remote::aws::model::Tags;
use crate::spec::DiskKey;

/// A host's machine, in the subnet and group and with the keys that are there by now.
pub(super) fn launch(wanted: &Wanted, seen: &Inventory, host: &HostWanted, image: &ImageSeen) -> Launch {
    let mut tags = wanted.host_tags(host, wanted.end(seen).as_ref());
    tags.insert(names::TYPE.to_owned(), host.instance_type.clone());
    tags.insert(names::IMAGE.to_owned(), super::image::mark(&host.image, &image.id));
    let login = wanted.owner.name();
    Launch {
        image: image.clone(),
        instance_type: host.instance_type.clone(),
        subnet: seen.subnet().map(|subnet| subnet.id.clone()),
        group: seen.group(host.name.as_str()).map(|group| group.id.clone()),
        key_pair: seen.key_pairs.iter().any(|pair| pair.name == login).then_some(login),
        gib: host.gib,
        disk_key: match &wanted.disk_key {
            DiskKey::Account => None,
            DiskKey::Given(arn) => Some(arn.clone()),
            DiskKey::Own => seen.disk_keys.iter().find(|key| key.named).map(|key| key.arn.clone()),
        },
        protected: wanted.protected(),
        tags,
    }
}

/// Which of a host's machines the next one is: after the last that was noted, and after every one that AWS still shows as
/// ended. One that lives is not counted: it is the next one itself, whose answer was lost, and the same number brings the
/// same client token, for which EC2 answers with that very machine.
pub(super) fn next_generation(group: &Tags, host: &str, runs: &[Run]) -> u32 {
    let noted = group.get(names::MADE).and_then(|number| number.parse().ok());
    let ended = runs
        .iter()
        .filter(|run| is_of(&run.tags, host) && has_ended(&run.state));
    let used: BTreeSet<u32> = ended.map(|run| generation(&run.tags)).chain(noted).collect();
    used.last().map_or(0, |last| last + 1)
}

fn has_ended(state: &str) -> bool {
    matches!(state, "shutting-down" | "terminated")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(host: &str, generation: u32, state: &str) -> Run {
        Run {
            id: format!("i-{generation}"),
            state: state.to_owned(),
            reason: String::new(),
            architecture: String::new(),
            tags: Tags::from([
                (names::HOST.to_owned(), host.to_owned()),
                (names::GENERATION.to_owned(), generation.to_string()),
            ]),
        }
    }

    #[test]
    fn a_machine_that_ended_is_counted_and_one_that_lives_is_not() {
        let noted = |number: &str| Tags::from([(names::MADE.to_owned(), number.to_owned())]);
        for (group, runs, next) in [
            (Tags::new(), vec![], 0),
            (Tags::new(), vec![run("core", 0, "pending")], 0),
            (Tags::new(), vec![run("core", 0, "terminated")], 1),
            (
                Tags::new(),
                vec![run("core", 0, "terminated"), run("core", 1, "running")],
                1,
            ),
            (noted("2"), vec![run("core", 0, "terminated")], 3),
            (noted("0"), vec![run("core", 4, "shutting-down")], 5),
            (Tags::new(), vec![run("video", 7, "terminated")], 0),
        ] {
            assert_eq!(next_generation(&group, "core", &runs), next, "{group:?} {runs:?}");
        }
    }
}
