//! One type for the response bodies of all services. Layers around the whole server need it for
//! responses of their own.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Frame, SizeHint};
use tower::BoxError;

pub(crate) struct Body(UnsyncBoxBody<Bytes, BoxError>);

impl Body {
    pub(crate) fn new(
        body: impl hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    ) -> Self {
        Self(body.map_err(Into::into).boxed_unsync())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::new(Full::new(Bytes::from(text)))
    }
}

impl Default for Body {
    fn default() -> Self {
        String::new().into()
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
