//! What the catalog knows of video platforms and of the owners of computers, for people.

use std::fmt::Write;

use crate::catalog::clouds::Cloud;
use crate::catalog::platforms::Platform;

/// A platform.
pub fn platform(row: &Platform) -> String {
    let mut out = format!("{}: {}\n", row.name, row.verdict.words());
    let public = if row.public_facing { "yes" } else { "no" };
    let _ = writeln!(out, "  agreement      {}", row.baa.words());
    let _ = writeln!(out, "  public-facing  {public}");
    let _ = writeln!(out, "  today          {}", row.status);
    let _ = writeln!(out, "  next           {}", row.next);
    let _ = writeln!(out, "  source         {}", row.source);
    let _ = writeln!(out, "                 as of {}; {}", row.as_of, row.confidence.words());
    out
}

/// An owner of computers.
pub fn cloud(row: &Cloud) -> String {
    let mut out = format!("{}\n", row.name);
    let _ = writeln!(out, "  agreement      {}", row.agreement);
    let _ = writeln!(out, "  make sure      {}", row.verify);
    let _ = writeln!(out, "  proof          {}", row.proof.words());
    let _ = writeln!(out, "  API            {}", row.api);
    let _ = writeln!(out, "  source         {}", row.source);
    let _ = writeln!(out, "                 as of {}; {}", row.as_of, row.confidence.words());
    out
}
