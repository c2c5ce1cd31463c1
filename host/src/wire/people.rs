//! Users, projects and tokens: the operator's part.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SecretText;
use super::text::{Id, Name};

/// What to know of a user.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutUser {
    /// A name for people; none if absent.
    #[schema(value_type = Option<Name>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The id, as the operator chose it.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
}

/// What to know of a project.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutProject {
    /// A name for people; none if absent.
    #[schema(value_type = Option<Name>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The company it belongs to, for events that do not name one; none if absent.
    #[schema(value_type = Option<Id>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// The id, as the operator chose it.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// The company it belongs to.
    pub company_id: Option<String>,
}

/// A token to make.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateToken {
    /// A name for people, to tell tokens apart.
    #[schema(value_type = Option<Name>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A token that was just made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// The public part, by which the token is revoked.
    pub id: String,
    /// The whole token, `hs_<id>_<secret>`. It is shown here and never again.
    #[schema(value_type = String)]
    pub token: SecretText,
}
