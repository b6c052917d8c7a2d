//! The name that this run's visitors bear, in their tokens and in rooms. No log may keep it, so that finding it tells of
//! every log that keeps patients' names. Knows nothing of logs.

use std::sync::LazyLock;

/// The name: unlike any other run's, so that what an earlier run left behind is not taken for this one's.
pub fn marker() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let mut bytes = [0; 8];
        // Without random bytes the name is the same as another run's, which shows too much and never too little.
        let _ = getrandom::fill(&mut bytes);
        format!("Anteroom Probe {}", crate::digest::hex(&bytes))
    });
    &NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stays_for_a_run_and_is_one_line() {
        assert_eq!(marker(), marker());
        assert!(marker().len() > 20 && !marker().contains(char::is_control));
    }
}
