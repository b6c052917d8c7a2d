//! Runs a server's settings script in a JavaScript engine that has the language, the address of the visit and nothing
//! else, within bounds of time, memory and stack. A script that asks for more is not understood, rather than guessed at.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use rquickjs::CatchResultExt;
use rquickjs::CaughtError;
use rquickjs::Context;
use rquickjs::Ctx;
use rquickjs::Function;
use rquickjs::Object;
use rquickjs::Runtime;
use rquickjs::Value as Js;
use rquickjs::context::EvalOptions;
use rquickjs::context::intrinsic;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

/// What the script sees besides the language.
const WORLD: &str = include_str!("script/world.js");

/// The objects that settings scripts leave.
pub(crate) const OBJECTS: [&str; 2] = ["config", "interfaceConfig"];

/// Longest run. The engine asks the clock between steps of the script.
const TIME: Duration = Duration::from_secs(2);

/// Longest wait for the thread: some built-in functions loop without asking the clock. Such a thread is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Threads that may be given up in one process before no further script is run.
const LOST: usize = 2;

/// Most memory of the engine, in bytes.
const MEMORY: usize = 64 * 1024 * 1024;

/// Most stack of the script, and of the thread that runs it, in bytes.
const STACK: usize = 512 * 1024;
const THREAD_STACK: usize = 8 * 1024 * 1024;

/// Most values that are read out of an object, and how deep they may lie.
const VALUES: usize = 20_000;
const DEPTH: usize = 16;

/// A link that is followed to the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visit {
    /// The site's domain.
    pub(crate) domain: String,
    /// The query, empty or with its `?`.
    pub(crate) search: String,
    /// The fragment, empty or with its `#`.
    pub(crate) hash: String,
}

/// What a script left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The objects that it set, by name.
    pub(crate) objects: BTreeMap<&'static str, Settings>,
    /// Query and fragment of the page's address after the script.
    pub(crate) link: String,
}

/// An object of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Its plain values.
    pub(crate) value: Value,
    /// What is set and is no plain value, by the path of its keys, with what it is.
    pub(crate) opaque: BTreeMap<String, String>,
}

/// Runs scripts one after the other as a browser on this visit would, but for what only a browser has.
pub(crate) fn run(scripts: &[String], visit: &Visit) -> Result<Ran, String> {
    static GIVEN_UP: AtomicUsize = AtomicUsize::new(0);
    if GIVEN_UP.load(Ordering::Relaxed) >= LOST {
        return Err("earlier scripts of this server did not end, so no more are run".to_owned());
    }
    let (done, wait) = mpsc::sync_channel(1);
    let (scripts, visit) = (scripts.to_vec(), visit.clone());
    let thread = std::thread::Builder::new().name("settings script".to_owned());
    let started = thread.stack_size(THREAD_STACK).spawn(move || {
        // Nobody waits any more where this fails.
        let _ = done.send(in_engine(&scripts, &visit));
    });
    if let Err(error) = started {
        return Err(format!("this computer could not start a thread: {error}"));
    }
    match wait.recv_timeout(PATIENCE) {
        Ok(outcome) => outcome,
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("the script broke the engine".to_owned()),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            GIVEN_UP.fetch_add(1, Ordering::Relaxed);
            Err(format!("the script did not end within {} s", PATIENCE.as_secs()))
        }
    }
}

/// What the script asked for in vain, and where it left the page's address.
#[derive(Default)]
struct Notes {
    missed: BTreeSet<String>,
    link: String,
}

fn in_engine(scripts: &[String], visit: &Visit) -> Result<Ran, String> {
    let ours = |error: rquickjs::Error| format!("the engine could not start: {error}");
    let runtime = Runtime::new().map_err(ours)?;
    runtime.set_memory_limit(MEMORY);
    runtime.set_max_stack_size(STACK);
    let deadline = Instant::now() + TIME;
    runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() >= deadline)));
    // No clock and no promises: what depends on when it is looked at has no value.
    let context = Context::builder()
        .with::<(
            intrinsic::Eval,
            intrinsic::RegExpCompiler,
            intrinsic::RegExp,
            intrinsic::Json,
            intrinsic::Proxy,
            intrinsic::MapSet,
        )>()
        .build(&runtime)
        .map_err(ours)?;
    let notes = Rc::new(RefCell::new(Notes {
        missed: BTreeSet::new(),
        link: format!("{}{}", visit.search, visit.hash),
    }));
    let objects = context.with(|ctx| {
        furnish(&ctx, visit, &notes).map_err(ours)?;
        evaluate(&ctx, scripts).map_err(|why| match Instant::now() >= deadline {
            true => format!("it did not end within {} s", TIME.as_secs()),
            false => why,
        })
    });
    let notes = notes.borrow();
    // What it missed explains an error better than the error does.
    if !notes.missed.is_empty() {
        let missed: Vec<&str> = notes.missed.iter().take(5).map(String::as_str).collect();
        return Err(format!(
            "it asks for {}, so that no value of it is certain",
            missed.join(", ")
        ));
    }
    Ok(Ran {
        objects: objects?,
        link: notes.link.clone(),
    })
}

fn furnish(ctx: &Ctx<'_>, visit: &Visit, notes: &Rc<RefCell<Notes>>) -> rquickjs::Result<()> {
    let noted = notes.clone();
    let miss = Function::new(ctx.clone(), move |name: String| {
        let mut notes = noted.borrow_mut();
        if notes.missed.len() < 50 {
            notes.missed.insert(name.chars().take(100).collect());
        }
    })?;
    let noted = notes.clone();
    let moved = Function::new(ctx.clone(), move |link: String| noted.borrow_mut().link = link)?;
    let place = Object::new(ctx.clone())?;
    place.set("host", visit.domain.as_str())?;
    place.set("path", "/anteroom-probe")?;
    place.set("search", visit.search.as_str())?;
    place.set("hash", visit.hash.as_str())?;
    let world: Function<'_> = ctx.eval_with_options(WORLD, sloppy())?;
    world.call((miss, moved, place))
}

fn evaluate(ctx: &Ctx<'_>, scripts: &[String]) -> Result<BTreeMap<&'static str, Settings>, String> {
    for script in scripts {
        let script = script.trim_start_matches('\u{feff}');
        let ran: Result<Js<'_>, CaughtError<'_>> = ctx.eval_with_options(script, sloppy()).catch(ctx);
        ran.map_err(|error| format!("it ends with an error: {}", told(&error)))?;
    }
    let mut objects = BTreeMap::new();
    for name in OBJECTS {
        // By name and not as a property of the global object: `let` and `const` leave none.
        let asked = format!("typeof {name} === 'undefined' ? undefined : {name}");
        let left: Result<Js<'_>, CaughtError<'_>> = ctx.eval_with_options(asked, sloppy()).catch(ctx);
        let left = left.map_err(|error| told(&error))?;
        if left.is_object() && !left.is_function() && !left.is_array() {
            objects.insert(name, settings(&left)?);
        }
    }
    Ok(objects)
}

fn sloppy() -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options
}

fn told(error: &CaughtError<'_>) -> String {
    let text = match error {
        CaughtError::Exception(exception) => exception.message().unwrap_or_default(),
        CaughtError::Value(_) => "a value was thrown".to_owned(),
        CaughtError::Error(error) => error.to_string(),
    };
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

fn settings(object: &Js<'_>) -> Result<Settings, String> {
    let mut reading = Reading {
        left: VALUES,
        opaque: BTreeMap::new(),
    };
    let value = reading.read(object, "", 0)?;
    Ok(Settings {
        value: value.unwrap_or(Value::Null),
        opaque: reading.opaque,
    })
}

/// Reads values out of the engine, a bounded number of them.
struct Reading {
    left: usize,
    opaque: BTreeMap<String, String>,
}

impl Reading {
    /// The plain value; `None` for what is absent or is no plain value.
    fn read(&mut self, value: &Js<'_>, place: &str, depth: usize) -> Result<Option<Value>, String> {
        self.left = self.left.checked_sub(1).ok_or("it leaves too many values")?;
        if depth > DEPTH {
            return Err("its values lie too deep".to_owned());
        }
        let plain = if value.is_undefined() {
            return Ok(None);
        } else if value.is_null() {
            Some(Value::Null)
        } else if let Some(yes) = value.as_bool() {
            Some(Value::Bool(yes))
        } else if let Some(number) = value.as_number() {
            plain_number(number).map(Value::Number)
        } else if let Some(text) = value.as_string() {
            text.to_string().ok().map(Value::String)
        } else if value.is_function() {
            None
        } else if let Some(items) = value.as_array() {
            let mut list = Vec::new();
            for (index, item) in items.iter::<Js<'_>>().enumerate() {
                let item = item.map_err(|error| format!("{place}[{index}] cannot be read: {error}"))?;
                let item = self.read(&item, &format!("{place}[{index}]"), depth + 1)?;
                list.push(item.unwrap_or(Value::Null));
            }
            Some(Value::Array(list))
        } else if let Some(object) = value.as_object() {
            Some(Value::Object(self.fields(object, place, depth)?))
        } else {
            None
        };
        if plain.is_none() {
            self.opaque.insert(place.to_owned(), value.type_name().to_owned());
        }
        Ok(plain)
    }

    fn fields(&mut self, object: &Object<'_>, place: &str, depth: usize) -> Result<Map<String, Value>, String> {
        let mut fields = Map::new();
        for key in object.keys::<String>() {
            let key = key.map_err(|error| format!("a key of {place} cannot be read: {error}"))?;
            let inner = match place {
                "" => key.clone(),
                _ => format!("{place}.{key}"),
            };
            let field: Js<'_> = object
                .get(key.as_str())
                .map_err(|error| format!("{inner} cannot be read: {error}"))?;
            if let Some(field) = self.read(&field, &inner, depth + 1)? {
                fields.insert(key, field);
            }
        }
        Ok(fields)
    }
}

/// Whole numbers as such: 0 and 0.0 are one number in JavaScript.
fn plain_number(number: f64) -> Option<Number> {
    /// Largest integer up to which every one has a double of its own.
    const EXACT: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 53 bits")]
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

#[cfg(test)]
mod tests;
