//! Enums of the contract that have the same cases as one of the model.

/// Defines such an enum and its conversions. They match case by case, so a case that is added to the
/// model does not compile until the contract has a name for it. (The names are `tt`, since the derive of
/// `ToSchema` does not see through a `literal`.)
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $model:ty { $($(#[$case_doc:meta])* $case:ident = $text:tt,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$case_doc])* #[serde(rename = $text)] $case,)* }

        impl From<$model> for $name {
            fn from(model: $model) -> Self {
                match model { $(<$model>::$case => Self::$case,)* }
            }
        }

        impl From<$name> for $model {
            fn from(wire: $name) -> Self {
                match wire { $($name::$case => Self::$case,)* }
            }
        }
    };
}

pub(super) use mirror;
