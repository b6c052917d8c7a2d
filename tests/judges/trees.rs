//! Hostile text in every field of a spec: either the spec is refused, with a reason and before anything is rendered, or
//! what is rendered has the same structure as that of a harmless spec, and the text stands where it belongs.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::LazyLock;

use anteroom::render::Wanted;
use anteroom::render::render;
use anteroom::spec::Colour;
use anteroom::spec::Problems;
use anteroom::spec::Spec;
use anteroom::spec::Switches;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use toml::Table;

use crate::fields;
use crate::fields::BASES;
use crate::fields::FIELDS;
use crate::fields::Reach;
use crate::hostile;
use crate::lua;
use crate::shape;
use crate::shape::Shape;
use crate::support;

/// An armored key that belongs to nobody.
const ARMORED: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZfake\n-----END PGP PUBLIC KEY BLOCK-----\n";

/// The files that specs name, made once.
static FILES: LazyLock<BTreeMap<&'static str, String>> = LazyLock::new(|| {
    let mut files = support::good_files();
    files.insert("apt-key.asc", ARMORED.to_owned());
    files
});

/// A base and the texts that are put into its fields.
pub(crate) type Draft = (usize, Vec<(usize, String)>);

/// Judges a spec's text.
fn judge(text: &str) -> Result<Spec, Problems> {
    support::judge(text, &Switches::default(), &FILES)
}

/// The texts of a draft that its base has fields for.
fn put(table: &mut Table, texts: &[(usize, String)], wanted: impl Fn(Reach) -> bool) {
    for (field, text) in texts {
        let field = &FIELDS[*field];
        if wanted(field.reach) {
            fields::set(table, field.key, text);
        }
    }
}

/// The host of a URL.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split([':', '/', '?']).next().unwrap_or_default().to_owned()
}

/// A draft's spec as a table and judged; `None`: it was refused, as it should be refused.
fn accepted((base, texts): &Draft) -> Result<Option<(Table, Spec)>, String> {
    let mut table = fields::base(BASES[*base]);
    put(&mut table, texts, |_| true);
    match judge(&toml::to_string(&table).unwrap()) {
        Err(problems) => refusal(&problems).map(|()| None),
        Ok(spec) => Ok(Some((table, spec))),
    }
}

/// What a spec renders to. A spec that was accepted must.
fn rendered(spec: &Spec) -> Result<Wanted, String> {
    render(spec, &spec.hosts[0]).map_err(|error| format!("accepted and then not rendered: {error:?}"))
}

/// The tree of a draft; `None`: it was refused.
pub(crate) fn tree(draft: &Draft) -> Result<Option<Wanted>, String> {
    accepted(draft)?.map(|(_, spec)| rendered(&spec)).transpose()
}

/// A refusal names a reason, and is safe to print.
fn refusal(problems: &Problems) -> Result<(), String> {
    if problems.list().is_empty() {
        return Err("refused without a reason".to_owned());
    }
    let printed = problems.render(Colour::Plain);
    match printed.chars().find(|&c| c.is_control() && c != '\n') {
        Some(c) => Err(format!("the report prints {c:?}: {printed}")),
        None => Ok(()),
    }
}

/// A draft is refused, or renders to the shape of its harmless twin.
fn holds(draft: &Draft, twins: &RefCell<HashMap<String, Shape>>) -> Result<(), String> {
    let Some((table, spec)) = accepted(draft)? else {
        return Ok(());
    };
    let (base, texts) = draft;
    // Texts that reach no host are many, and rendering takes its time: some of them show that they do not.
    let silent = texts.iter().all(|(field, _)| FIELDS[*field].reach == Reach::Silent);
    if silent && texts.iter().any(|(_, text)| text.len() % 8 != 0) {
        return Ok(());
    }
    let harmless = fields::base(BASES[*base]);
    let mut twin = harmless.clone();
    put(&mut twin, texts, |reach| reach == Reach::Decides);
    let twin = toml::to_string(&twin).unwrap();
    let known = twins.borrow().get(&twin).cloned();
    let expected = match known {
        Some(shape) => shape,
        None => {
            let spec =
                judge(&twin).map_err(|p| format!("the harmless twin is refused: {}", p.render(Colour::Plain)))?;
            let shape = shape::of(&render(&spec, &spec.hosts[0]).map_err(|error| error.to_string())?)?;
            twins.borrow_mut().insert(twin, shape.clone());
            shape
        }
    };
    let mut pairs = Vec::new();
    for field in FIELDS.iter().filter(|field| field.reach == Reach::Rendered) {
        if let (Some(old), Some(new)) = (fields::get(&harmless, field.key), fields::get(&table, field.key)) {
            pairs.push((old.to_owned(), new.to_owned()));
            if field.key.ends_with(".uri") {
                // The pin names the repository's host alone.
                pairs.push((host(old), host(new)));
            }
        }
    }
    match shape::difference(&shape::with(&expected, &pairs), &shape::of(&rendered(&spec)?)?) {
        None => Ok(()),
        Some(difference) => Err(difference),
    }
}

/// One field and its text, hostile or plausible.
fn one(hostile: u32) -> impl Strategy<Value = (usize, String)> {
    (0..FIELDS.len()).prop_flat_map(move |at| {
        let text = prop_oneof![
            hostile => hostile::text(),
            4 => FIELDS[at].likely(),
            // A plausible text with something hostile inside.
            hostile.div_ceil(2) => (FIELDS[at].likely(), hostile::text()).prop_map(|(a, b)| {
                let middle = a.char_indices().nth(a.chars().count() / 2).map_or(0, |(at, _)| at);
                format!("{}{b}{}", &a[..middle], &a[middle..])
            }),
        ];
        text.prop_map(move |text| (at, text))
    })
}

/// Drafts in which a few fields are changed.
pub(crate) fn drafts(hostile: u32, most: usize) -> impl Strategy<Value = Draft> {
    (0..BASES.len(), proptest::collection::vec(one(hostile), 1..=most))
}

/// Drafts in which most of what reaches a host is changed, and what the rules accept.
pub(crate) fn accepted_drafts() -> impl Strategy<Value = Draft> {
    let reaching = FIELDS
        .iter()
        .enumerate()
        .filter(|(_, field)| field.reach == Reach::Rendered);
    let texts: Vec<_> = reaching
        .map(|(at, field)| proptest::option::weighted(0.7, field.likely()).prop_map(move |text| (at, text)))
        .collect();
    (0..BASES.len(), texts, one(0)).prop_map(|(base, texts, more)| {
        let mut texts: Vec<(usize, String)> = texts.into_iter().filter_map(|(at, text)| Some((at, text?))).collect();
        texts.push(more);
        (base, texts)
    })
}

#[test]
fn every_base_is_a_spec_and_renders() {
    for (base, name) in BASES.iter().enumerate() {
        match accepted(&(base, Vec::new())) {
            Ok(Some((_, spec))) => drop(rendered(&spec).unwrap()),
            Ok(None) => {
                let why = judge(&toml::to_string(&fields::base(name)).unwrap()).unwrap_err();
                panic!("{name} is refused: {}", why.render(Colour::Plain));
            }
            Err(why) => panic!("{name}: {why}"),
        }
    }
}

#[test]
fn what_once_broke_something_goes_through_every_field() {
    if !lua::installed() {
        return;
    }
    let twins = RefCell::default();
    for (at, field) in FIELDS.iter().enumerate() {
        let base = BASES
            .iter()
            .position(|name| fields::get(&fields::base(name), field.key).is_some())
            .unwrap();
        for text in hostile::ONCE {
            let draft = (base, vec![(at, (*text).to_owned())]);
            holds(&draft, &twins).unwrap_or_else(|why| panic!("{} = {text:?}: {why}", field.key));
        }
    }
}

#[test]
fn hostile_text_is_refused_or_stays_the_value_that_it_is() {
    if !lua::installed() {
        return;
    }
    let twins = RefCell::default();
    hostile::check(1500, drafts(6, 2), |draft| holds(draft, &twins));
}

#[test]
fn plausible_text_stays_the_value_that_it_is() {
    if !lua::installed() {
        return;
    }
    let twins = RefCell::default();
    let passed = Cell::new(0);
    hostile::check(400, drafts(0, 3), |draft| {
        passed.set(passed.get() + usize::from(accepted(draft)?.is_some()));
        holds(draft, &twins)
    });
    // Otherwise this test would show nothing.
    assert!(passed.get() > 100, "only {} were accepted", passed.get());
}

#[test]
fn hostile_text_in_the_source_is_refused_or_read_as_toml_says() {
    let sources: Vec<String> = BASES
        .iter()
        .map(|name| toml::to_string(&fields::base(name)).unwrap())
        .collect();
    let spliced = (0..BASES.len(), hostile::text(), 0..10_000_usize);
    hostile::check(2000, spliced, |(base, text, at)| {
        let source = &sources[*base];
        let at = at % source.len();
        let spliced = format!("{}{text}{}", &source[..at], &source[at..]);
        match judge(&spliced) {
            Err(problems) => refusal(&problems),
            Ok(spec) if at.is_multiple_of(8) => rendered(&spec).map(|_| ()),
            Ok(_) => Ok(()),
        }
    });
}
