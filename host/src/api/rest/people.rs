//! Users, projects, members and tokens: the operator's part.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Result;
use crate::api::ApiState;
use crate::api::auth::Auth;
use crate::api::extract::{OptionalJsonBody, Path};
use crate::api::openapi::{InUse, Refusals, WriteRefusals};
use crate::service::{NewToken, Project, User};
use crate::wire;

/// Make a user known, or rename them
///
/// For the operator, as are all calls under this tag. No body is as good as `{}`.
#[utoipa::path(put, path = "/v1/users/{id}", tag = "people", request_body = Option<wire::PutUser>,
    params(("id" = inline(wire::Id), Path, description = "The user.")),
    responses((status = 200, description = "The user.", body = wire::User), WriteRefusals))]
pub(crate) async fn put_user(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    OptionalJsonBody(put): OptionalJsonBody<wire::PutUser>,
) -> Result<Json<wire::User>> {
    let user = state.service.put_user(&caller, &id, put.name).await?;
    Ok(Json(user.into()))
}

/// Make a token for a user
///
/// The token is shown in this answer and never again. No body is as good as `{}`.
#[utoipa::path(post, path = "/v1/users/{id}/tokens", tag = "people", request_body = Option<wire::CreateToken>,
    params(("id" = String, Path, description = "The user.")),
    responses(
        (status = 201, description = "The token.", body = wire::NewToken,
            links(("RevokeToken" = (operation_id = "revoke_token", parameters(("id" = "$response.body#/id")))))),
        WriteRefusals,
    ))]
pub(crate) async fn create_token(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(user): Path<String>,
    OptionalJsonBody(create): OptionalJsonBody<wire::CreateToken>,
) -> Result<(StatusCode, Json<wire::NewToken>)> {
    let token = state.service.create_token(&caller, &user, create.name).await?;
    Ok((StatusCode::CREATED, Json(token.into())))
}

/// Revoke a token
///
/// It is refused from this moment on; a request that is under way ends. The last operator token cannot be revoked
/// (`CONFLICT`): nobody could manage the host without it.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "people",
    params(("id" = String, Path, description = "The token's public part.")),
    responses((status = 204, description = "The token is revoked."), InUse, Refusals))]
pub(crate) async fn revoke_token(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    state.service.revoke_token(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a project known, or change it
///
/// No body is as good as `{}`.
#[utoipa::path(put, path = "/v1/projects/{id}", tag = "people", request_body = Option<wire::PutProject>,
    params(("id" = inline(wire::Id), Path, description = "The project.")),
    responses((status = 200, description = "The project.", body = wire::Project), WriteRefusals))]
pub(crate) async fn put_project(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path(id): Path<String>,
    OptionalJsonBody(put): OptionalJsonBody<wire::PutProject>,
) -> Result<Json<wire::Project>> {
    let project = state.service.put_project(&caller, &id, put.name, put.company_id).await?;
    Ok(Json(project.into()))
}

/// Add a member to a project
///
/// A user's webhooks get the events of the projects that they are a member of at that moment. Adding a
/// member again changes nothing.
#[utoipa::path(put, path = "/v1/projects/{id}/members/{userId}", tag = "people",
    params(("id" = String, Path, description = "The project."), ("userId" = String, Path, description = "The user.")),
    responses((status = 204, description = "The user is a member."), Refusals))]
pub(crate) async fn add_member(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path((project, user)): Path<(String, String)>,
) -> Result<StatusCode> {
    state.service.add_member(&caller, &project, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a member out of a project
///
/// From this moment on their webhooks get no more events of it.
#[utoipa::path(delete, path = "/v1/projects/{id}/members/{userId}", tag = "people",
    params(("id" = String, Path, description = "The project."), ("userId" = String, Path, description = "The user.")),
    responses((status = 204, description = "The user is not a member."), Refusals))]
pub(crate) async fn remove_member(
    State(state): State<ApiState>,
    Auth(caller): Auth,
    Path((project, user)): Path<(String, String)>,
) -> Result<StatusCode> {
    state.service.remove_member(&caller, &project, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<User> for wire::User {
    fn from(user: User) -> Self {
        Self { id: user.id.to_string(), name: user.name }
    }
}

impl From<Project> for wire::Project {
    fn from(project: Project) -> Self {
        let company_id = project.company_id.map(|id| id.to_string());
        Self { id: project.id.to_string(), name: project.name, company_id }
    }
}

impl From<NewToken> for wire::NewToken {
    fn from(token: NewToken) -> Self {
        Self { id: token.id, token: token.token.into() }
    }
}
