//! `[egress]` and `[maintenance]`: whom the hosts may talk to, and when they may interrupt calls.

use std::net::SocketAddr;

use crate::spec::docket::Refused;
use crate::spec::model::Egress;
use crate::spec::model::Maintenance;
use crate::spec::problem::Problem;
use crate::spec::raw::RawSpec;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::optional;

/// The window when the spec names none: night in America.
const WINDOW: Maintenance = Maintenance {
    start: (8, 0),
    minutes: 120,
};
/// The shortest window in minutes: upgrades take their time, and begin anywhere in its first half.
const SHORTEST: u16 = 60;
/// The longest: half a day that is nobody's working day.
const LONGEST: u16 = 720;
/// Minutes of a day.
const DAY: u16 = 1440;

/// Judges `[egress]`.
pub(crate) fn egress(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Egress, Refused> {
    let section = raw.egress.as_ref().map_err(|refused| *refused)?;
    let Some(section) = section else {
        return Ok(Egress::default());
    };
    let list = section.value.allow.as_ref().map_err(|refused| *refused)?;
    let spots = list.as_ref().map(|list| list.value.as_slice()).unwrap_or_default();
    let judged: Vec<_> = spots.iter().map(|spot| peer(spot, bench)).collect();
    let mut allow: Vec<SocketAddr> = judged.into_iter().collect::<Result<_, _>>()?;
    allow.sort_unstable();
    allow.dedup();
    Ok(Egress { allow })
}

fn peer(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<SocketAddr, Refused> {
    let peer = spot.value.parse::<SocketAddr>().ok();
    // A scope or a zero names nobody.
    match peer.filter(|peer| peer.port() != 0 && !peer.ip().is_unspecified() && !spot.value.contains('%')) {
        Some(peer) => Ok(peer),
        None => {
            let message = format!(
                "`egress.allow` holds \"{}\", which is no address with a port",
                spot.value
            );
            let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
            let help = "write \"192.0.2.10:3128\" or \"[2001:db8::1]:3128\"; a firewall knows no names";
            Err(bench.refuse(problem.help(help)))
        }
    }
}

/// Judges `[maintenance]`.
pub(crate) fn maintenance(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Maintenance, Refused> {
    let section = raw.maintenance.as_ref().map_err(|refused| *refused)?;
    let Some(section) = section else { return Ok(WINDOW) };
    let judged = optional(&section.value.window, |spot| match window(&spot.value) {
        Ok(window) => Ok(window),
        Err(why) => {
            let message = format!("`maintenance.window` {why}");
            let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
            Err(bench.refuse(problem.help("write hours of the day in UTC, such as \"08:00-10:00\"")))
        }
    })?;
    Ok(judged.unwrap_or(WINDOW))
}

/// `HH:MM-HH:MM`; a window may go past midnight.
fn window(text: &str) -> Result<Maintenance, String> {
    let unreadable = || format!("is \"{text}\", which is not a time to a time");
    let (from, to) = text.split_once('-').ok_or_else(unreadable)?;
    let (start, end) = (time(from).ok_or_else(unreadable)?, time(to).ok_or_else(unreadable)?);
    let minute = |(hour, minute): (u8, u8)| u16::from(hour) * 60 + u16::from(minute);
    let minutes = (minute(end) + DAY - minute(start)) % DAY;
    if !(SHORTEST..=LONGEST).contains(&minutes) {
        return Err(format!(
            "lasts {minutes} minutes; it must last from {SHORTEST} to {LONGEST}"
        ));
    }
    Ok(Maintenance { start, minutes })
}

fn time(text: &str) -> Option<(u8, u8)> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_a_beginning_and_a_length_and_may_pass_midnight() {
        let read = |text: &str| window(text).map(|window| (window.starts(), window.minutes));
        assert_eq!(read("08:00-10:00"), Ok(("08:00".to_owned(), 120)));
        assert_eq!(read("23:30-01:15"), Ok(("23:30".to_owned(), 105)));
        for wrong in [
            "",
            "8:00-10:00",
            "08:00",
            "24:00-02:00",
            "08:60-10:00",
            "08:00–10:00",
            "+8:00-10:00",
        ] {
            assert!(read(wrong).unwrap_err().contains("not a time"), "{wrong}");
        }
        assert!(read("08:00-08:30").unwrap_err().contains("30 minutes"));
        assert!(read("08:00-08:00").is_err() && read("08:00-07:00").is_err());
    }
}
