//! Which image a machine began as: written on the machine, so that a newer image of the release changes nothing by itself,
//! and a machine that replaces it begins as the same. Pure.

use crate::machines::aws::names;
use crate::remote::aws::model::Instance;
use crate::spec::Image;

/// What the spec asks for, in a word.
fn word(wanted: &Image) -> String {
    match wanted {
        Image::Debian(release) => format!("debian-{release}"),
        Image::Exactly(id) => id.clone(),
    }
}

/// What a machine is marked with: what the spec asked for, and the image that it got.
pub fn mark(wanted: &Image, id: &str) -> String {
    format!("{} {id}", word(wanted))
}

/// Why a machine did not begin as the spec says; `None` where it did, or nobody wrote down what was asked for.
pub fn differs(wanted: &Image, machine: &Instance) -> Option<String> {
    let asked = word(wanted);
    let began = match wanted {
        Image::Exactly(_) => machine.image.as_str(),
        Image::Debian(_) => machine.tags.get(names::IMAGE)?.split(' ').next()?,
    };
    (began != asked).then(|| format!("it began as {began} and not as {asked}"))
}

/// The image that a machine of the same release begins as.
pub fn pinned<'a>(wanted: &Image, machine: &'a Instance) -> Option<&'a str> {
    let (asked, id) = machine.tags.get(names::IMAGE)?.split_once(' ')?;
    (asked == word(wanted)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machines::aws::tests::made;
    use crate::machines::aws::tests::of_spec;

    fn machine(image: &str, mark: Option<String>) -> Instance {
        let mut machine = made(&of_spec()).instances.remove(0);
        machine.image = image.to_owned();
        machine.tags.extend(mark.map(|mark| (names::IMAGE.to_owned(), mark)));
        machine
    }

    #[test]
    fn a_newer_image_is_no_difference_and_another_release_is_one() {
        let (twelve, thirteen) = (Image::Debian(12), Image::Debian(13));
        let exactly = Image::Exactly("ami-2".to_owned());
        let began = machine("ami-1", Some(mark(&twelve, "ami-1")));
        assert_eq!(differs(&twelve, &began), None);
        assert_eq!(pinned(&twelve, &began), Some("ami-1"));
        let why = differs(&thirteen, &began);
        assert_eq!(why.as_deref(), Some("it began as debian-12 and not as debian-13"));
        assert_eq!(pinned(&thirteen, &began), None);
        let why = differs(&exactly, &began);
        assert_eq!(why.as_deref(), Some("it began as ami-1 and not as ami-2"));
    }

    #[test]
    fn a_machine_that_nobody_marked_is_judged_by_its_image_alone() {
        let unmarked = machine("ami-1", None);
        assert_eq!(differs(&Image::Debian(13), &unmarked), None);
        assert_eq!(pinned(&Image::Debian(13), &unmarked), None);
        assert!(differs(&Image::Exactly("ami-2".to_owned()), &unmarked).is_some());
    }
}
