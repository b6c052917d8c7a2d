//! `token`: one short-lived link for one visit. The signing secret is read from the host for this run, in memory.

use std::time::Duration;

use clap::ArgGroup;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::session;
use crate::commands::spec_args::SpecArgs;
use crate::commands::ui::Ui;
use crate::people::host_secret;
use crate::people::token;
use crate::people::token::RoomHost;
use crate::people::token::RoomName;
use crate::secret::Secret;
use crate::spec::Auth;
use crate::spec::Spec;
use crate::spec::TokenAuth;
use crate::spec::TokenKey;

/// The longest wait for the host's secret.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("who").required(true).args(["host", "guest"])),
    after_help = "Examples:\n  anteroom token --host --subject dr.okafor --ttl 60m\n  anteroom token --guest --room k3f9m2-…\n\nWithout --room a new unguessable room is made; give both visitors the same one. A guest's link carries no token:\nguests wait in the lobby until a host comes, and all that they need is the room's name."
)]
pub struct TokenArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// The room; a new unguessable one when left out
    #[arg(long, value_name = "NAME")]
    room: Option<String>,
    /// For a clinician, who opens the room
    #[arg(long)]
    host: bool,
    /// For a patient, who waits in the lobby
    #[arg(long)]
    guest: bool,
    /// Who the clinician is; goes into the token and the server's log
    #[arg(long, value_name = "ID", default_value = "clinician")]
    subject: String,
    /// How long a host's link works, such as 45m or 2h; at most 24h
    #[arg(long, value_name = "TIME", default_value = "60m")]
    ttl: SignedDuration,
}

/// Prints the link.
pub(crate) fn run(args: &TokenArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let spec = args.spec.load()?;
    let Auth::Token(auth) = &spec.security.auth else {
        return Err(
            CommandError::usage("this deployment takes no tokens: security.auth is \"internal\"")
                .hint("`anteroom user add NAME` makes a clinician's account"),
        );
    };
    let usage = |error: token::TokenError| CommandError::usage(format!("failed to {error}"));
    let room = match &args.room {
        Some(name) => name.parse::<RoomName>().map_err(usage)?,
        None => RoomName::random().map_err(CommandError::failed)?,
    };
    let signed = if args.host {
        Some(sign(&spec, auth, &room, args, ui)?)
    } else {
        None
    };
    let link = token::link(&spec.deployment.domain, &room, signed.as_ref());
    match format {
        Format::Json => {
            let row = serde_json::json!({
                "schema": "anteroom/token/v1",
                "room": room.as_str(),
                "link": link.expose(),
                "token": signed.as_ref().map(Secret::expose),
            });
            ui.data(&format!("{row}\n"));
        }
        Format::Text => ui.data(&format!("{}\n", link.expose())),
    }
    Ok(0)
}

fn sign(spec: &Spec, auth: &TokenAuth, room: &RoomName, args: &TokenArgs, ui: &Ui) -> Result<Secret, CommandError> {
    if auth.key != TokenKey::SharedSecret {
        return Err(
            CommandError::usage("the clinic's own key signs tokens here, and Anteroom does not have it")
                .hint("have the portal or identity provider that holds the private key make the token"),
        );
    }
    let minutes = spec.security.session_minutes;
    let session = u64::from(minutes) * 60;
    let ttl = u64::try_from(args.ttl.as_secs())
        .ok()
        .filter(|seconds| (1..=token::LONGEST.min(session)).contains(seconds))
        .ok_or_else(|| {
            let longest = if session < token::LONGEST {
                format!("{minutes}m, as [security] session_minutes says")
            } else {
                "24h".to_owned()
            };
            CommandError::usage(format!("--ttl has to be more than nothing and at most {longest}"))
        })?;
    let mut host = session::connect_core(spec, ui)?;
    let key = host_secret::read(&mut host, "token", PATIENCE).map_err(CommandError::failed)?;
    ui.done();
    let who = RoomHost {
        name: args.subject.clone(),
        id: args.subject.clone(),
    };
    token::mint(auth, &key, &spec.deployment.domain, room, &who, ttl, Timestamp::now()).map_err(CommandError::failed)
}
