//! What came of looking for an object that another one names.

/// An object that was looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// It is not there, or on its way out.
    Missing,
    /// Nobody could say, because of this.
    Unknown(String),
}

impl<T> Lookup<T> {
    /// The object, if it is there.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(object) => Some(object),
            Self::Missing | Self::Unknown(_) => None,
        }
    }

    /// The same with what is made of the object.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(object) => Lookup::Found(make(object)),
            Self::Missing => Lookup::Missing,
            Self::Unknown(why) => Lookup::Unknown(why),
        }
    }
}
