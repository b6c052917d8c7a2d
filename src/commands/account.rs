//! Opens the AWS account that a spec is of: asks who the credentials are of before anything else, refuses any other
//! account, and says which one it is.

use crate::catalog::aws::lists;
use crate::commands::cloud::called;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::machines::aws::account;
use crate::machines::aws::account::Refused;
use crate::remote::aws::Aws;
use crate::remote::aws::Place;
use crate::remote::aws::model::Identity;
use crate::spec::AwsMachines;
use crate::spec::Spec;

/// Opens the account, and says which it is, so that whoever confirms a change knows where it is made.
///
/// # Errors
/// Where it cannot be asked who the credentials are of, or they are of another account than the spec's.
pub(super) fn open(spec: &Spec, settings: &AwsMachines, ui: &Ui) -> Result<(Aws, Identity), CommandError> {
    let (api, identity) = open_quietly(spec, settings)?;
    if let Some(day) = lists().stale(jiff::Zoned::now().date()) {
        ui.say(&format!(
            "AWS's regions and eligible services were read on {day}, which is long ago: see {} and {} before you rely on them",
            lists().regions.source,
            lists().services.source
        ));
    }
    ui.say(&format!(
        "AWS account {}, region {}, as {}",
        identity.account,
        api.region(),
        identity.arn
    ));
    Ok((api, identity))
}

/// The same for a run that has said it already.
pub(super) fn open_quietly(spec: &Spec, settings: &AwsMachines) -> Result<(Aws, Identity), CommandError> {
    let place = Place {
        region: Some(settings.region.clone()),
        profile: settings.profile.clone(),
    };
    let api = Aws::open(&place).map_err(|error| called(&error))?;
    account::reaches_aws(&spec.deployment.environment, &api.endpoints()).map_err(|error| refused(&error))?;
    let identity = api.wait(api.identity()).map_err(|error| called(&error))?;
    account::is_pinned(settings, &identity).map_err(|error| refused(&error))?;
    Ok((api, identity))
}

fn refused(error: &Refused) -> CommandError {
    CommandError::refused(error.to_string()).hint(error.hint())
}
