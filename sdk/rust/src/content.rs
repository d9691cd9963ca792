//! The pieces that a result is made of.

/// One piece of a result, for the model to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// What it is.
    pub kind: Kind,
    /// Hints about it; `None` for the most of pieces.
    pub annotations: Option<Annotations>,
}

/// What a piece of a result is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Text.
    Text(String),
    /// An image.
    Image(Media),
    /// A sound.
    Audio(Media),
    /// A resource that the client may read by itself.
    ResourceLink(ResourceLink),
    /// A resource that comes along.
    EmbeddedResource(EmbeddedResource),
}

/// An image or a sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The bytes of the file, as they are: the gateway does the base64.
    pub data: Vec<u8>,
    /// Its media type, such as `image/png`.
    pub mime_type: String,
}

/// A resource that the client may read by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceLink {
    /// Where it is.
    pub uri: String,
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Its media type, such as `text/csv`.
    pub mime_type: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
}

/// A resource whose contents come along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedResource {
    /// What it is called.
    pub uri: String,
    /// Its media type, such as `text/csv`.
    pub mime_type: Option<String>,
    /// Its contents.
    pub body: ResourceBody,
}

/// What an embedded resource holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceBody {
    /// A text.
    Text(String),
    /// Bytes, as they are: the gateway does the base64.
    Blob(Vec<u8>),
}

/// Hints about a piece of content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    /// Whom it is for; empty: everybody.
    pub audience: Vec<Role>,
    /// How much it matters, from 0.0 (could be left out) to 1.0 (needed).
    pub priority: Option<f64>,
    /// When it was last changed, as an ISO 8601 time such as `2026-01-31T12:00:00Z`.
    pub last_modified: Option<String>,
}

/// Whom a piece of content is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

// === impl Content ===

impl Content {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Kind::Text(text.into()))
    }

    /// An image: the bytes of the file, and its media type such as `image/png`.
    pub fn image(data: impl Into<Vec<u8>>, mime_type: impl Into<String>) -> Self {
        Self::new(Kind::Image(Media { data: data.into(), mime_type: mime_type.into() }))
    }

    /// A sound: the bytes of the file, and its media type such as `audio/wav`.
    pub fn audio(data: impl Into<Vec<u8>>, mime_type: impl Into<String>) -> Self {
        Self::new(Kind::Audio(Media { data: data.into(), mime_type: mime_type.into() }))
    }

    /// A link to a resource. [`ResourceLink`] turns into content too, where more is known than this.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        ResourceLink { uri: uri.into(), name: name.into(), ..ResourceLink::default() }.into()
    }

    /// A resource that comes along as a text.
    pub fn embedded_text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        EmbeddedResource { uri: uri.into(), mime_type: None, body: ResourceBody::Text(text.into()) }.into()
    }

    /// A resource that comes along as bytes.
    pub fn embedded_blob(uri: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        EmbeddedResource { uri: uri.into(), mime_type: None, body: ResourceBody::Blob(bytes.into()) }.into()
    }

    /// The same with hints about it.
    #[must_use]
    pub fn annotated(mut self, annotations: Annotations) -> Self {
        self.annotations = Some(annotations);
        self
    }

    /// The text, where this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    fn new(kind: Kind) -> Self {
        Self { kind, annotations: None }
    }
}

impl From<ResourceLink> for Content {
    fn from(link: ResourceLink) -> Self {
        Self::new(Kind::ResourceLink(link))
    }
}

impl From<EmbeddedResource> for Content {
    fn from(resource: EmbeddedResource) -> Self {
        Self::new(Kind::EmbeddedResource(resource))
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}
