//! Users, projects, members and tokens: the operator's part.

use super::access::{Credentials, operator, secret_sha256};
use super::{Noun, Result, Service, ServiceError, check_name, check_reserved};
use crate::clock::random_bytes;
use crate::model::ids::{CompanyId, ProjectId, UserId};
use crate::model::operational;
use crate::model::token::{Caller, Token};
use crate::store::{Joined, Project, Revoked, User};

/// Why the last operator token stays.
const LAST_OPERATOR: &str = "this is the last operator token, without which nobody could manage the host; start the \
    host with one of another id in HOOKSIEVE_OPERATOR_TOKEN, then revoke this one";

/// A token that was just made; its secret is never shown again.
pub struct NewToken {
    /// The public part.
    pub id: String,
    /// The whole token.
    pub token: String,
}

impl Service {
    /// Makes a user known, or renames them.
    ///
    /// # Errors
    /// When the caller is no operator, or the id or name cannot be taken.
    pub async fn put_user(&self, caller: &Caller, id: &str, name: Option<String>) -> Result<User> {
        operator(caller)?;
        check_reserved(id, "/id")?;
        let id = UserId::parse(id).map_err(|error| ServiceError::bad_field("/id", error.to_string()))?;
        let user = User { id, name: check_name(name, "/name")? };
        self.store.put_user(user.clone(), self.clock.now()).await?;
        Ok(user)
    }

    /// Makes a project known, or changes it.
    ///
    /// # Errors
    /// When the caller is no operator, or an id or the name cannot be taken.
    pub async fn put_project(
        &self,
        caller: &Caller,
        id: &str,
        name: Option<String>,
        company_id: Option<String>,
    ) -> Result<Project> {
        operator(caller)?;
        check_reserved(id, "/id")?;
        let company_id = company_id.as_deref().map(CompanyId::parse).transpose();
        let project = Project {
            id: ProjectId::parse(id).map_err(|error| ServiceError::bad_field("/id", error.to_string()))?,
            name: check_name(name, "/name")?,
            company_id: company_id.map_err(|error| ServiceError::bad_field("/companyId", error.to_string()))?,
        };
        self.store.put_project(project.clone(), self.clock.now()).await?;
        Ok(project)
    }

    /// Adds a member to a project.
    ///
    /// # Errors
    /// When the caller is no operator, or the project or the user is not known.
    pub async fn add_member(&self, caller: &Caller, project: &str, user: &str) -> Result<()> {
        operator(caller)?;
        let project = project_of(project)?;
        let user = user_of(user)?;
        match self.store.add_member(&project, &user).await? {
            Joined::Member => Ok(()),
            Joined::NoProject => Err(ServiceError::NotFound(Noun::Project)),
            Joined::NoUser => Err(ServiceError::NotFound(Noun::User)),
        }
    }

    /// Takes a member out of a project; done already is done.
    ///
    /// # Errors
    /// When the caller is no operator.
    pub async fn remove_member(&self, caller: &Caller, project: &str, user: &str) -> Result<()> {
        operator(caller)?;
        let project = project_of(project)?;
        let user = user_of(user)?;
        self.store.remove_member(&project, &user, self.clock.now()).await?;
        Ok(())
    }

    /// Makes a token for a user.
    ///
    /// # Errors
    /// When the caller is no operator, or the user is not known.
    pub async fn create_token(&self, caller: &Caller, user: &str, name: Option<String>) -> Result<NewToken> {
        operator(caller)?;
        let user = user_of(user)?;
        if !self.store.user_exists(&user).await? {
            return Err(ServiceError::NotFound(Noun::User));
        }
        self.keep_token(Caller::User(user), None, check_name(name, "/name")?).await
    }

    /// Makes the first operator token, if there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn create_first_operator_token(&self) -> Result<Option<NewToken>> {
        if self.store.has_operator_token().await? {
            return Ok(None);
        }
        self.keep_token(Caller::Operator, None, None).await.map(Some)
    }

    /// Keeps an operator token that the operator chose, in place of one with the same id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_operator_token(&self, credentials: Credentials<'_>) -> Result<()> {
        self.keep_token(Caller::Operator, Some(credentials), None).await.map(drop)
    }

    async fn keep_token(
        &self,
        caller: Caller,
        chosen: Option<Credentials<'_>>,
        name: Option<String>,
    ) -> Result<NewToken> {
        let (id, secret) = match chosen {
            Some(Credentials { token_id, secret }) => (token_id.to_owned(), secret.to_owned()),
            None => (
                hex::encode(random_bytes::<8>(self.clock.as_ref())),
                hex::encode(random_bytes::<24>(self.clock.as_ref())),
            ),
        };
        let token = Credentials { token_id: &id, secret: &secret }.to_token();
        self.store
            .put_token(Token {
                id: id.clone(),
                caller,
                name,
                secret_sha256: secret_sha256(&secret),
                created_at: self.clock.now(),
                revoked_at: None,
            })
            .await?;
        Ok(NewToken { id, token })
    }

    /// Revokes a token: a request that is under way ends, the next one is refused.
    ///
    /// # Errors
    /// When the caller is no operator, there is no such token, or no operator could call afterwards.
    pub async fn revoke_token(&self, caller: &Caller, id: &str) -> Result<()> {
        operator(caller)?;
        match self.store.revoke_token(id, self.clock.now()).await? {
            Revoked::Revoked => Ok(()),
            Revoked::Missing => Err(ServiceError::NotFound(Noun::Token)),
            Revoked::LastOperator => Err(ServiceError::Conflict(LAST_OPERATOR.to_owned())),
        }
    }
}

/// A user that an operator can have made known; Hooksieve's own answers like one that is missing.
fn user_of(id: &str) -> Result<UserId> {
    let id = UserId::parse(id).ok().filter(|id| !operational::is_reserved(id.as_str()));
    id.ok_or(ServiceError::NotFound(Noun::User))
}

/// The same for a project.
fn project_of(id: &str) -> Result<ProjectId> {
    let id = ProjectId::parse(id).ok().filter(|id| !operational::is_reserved(id.as_str()));
    id.ok_or(ServiceError::NotFound(Noun::Project))
}
