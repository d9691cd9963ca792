//! What comes from the other side.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::{RequestError, Shared, Skipped, our_id};
use crate::{
    payload::Json,
    wire::{
        json::{Members, Object},
        message::{self, Frame, INTERNAL_ERROR, Malformed, Message, Outgoing},
    },
};

/// How many questions of the other side are worked on at once.
const MAX_QUESTIONS: usize = 64;

/// Where the carrier of a connection puts what came from the other side. Dropped, it ends the connection: nobody waits
/// on, however the carrier ended.
pub struct Intake {
    shared: Arc<Shared>,
}

impl Intake {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes a frame.
    pub fn take(&self, frame: &Bytes) {
        self.shared.take_frame(frame, None);
    }

    /// Takes a frame that came on the stream of answers to our request `id`: what it asks and tells belongs to the call
    /// that made the request.
    pub fn take_during(&self, frame: &Bytes, id: u64) {
        self.shared.take_frame(frame, Some(id));
    }

    /// There will be no answer to our request `id`. Whether somebody waited for it.
    pub fn fail(&self, id: u64, error: RequestError) -> bool {
        self.shared.answer(id, Err(error))
    }

    /// Whether somebody waits for the answer to our request `id`.
    #[must_use]
    pub fn awaits(&self, id: u64) -> bool {
        self.shared.lock().waiting.as_ref().is_some_and(|waiting| waiting.contains_key(&id))
    }

    /// Says that something was read that means nothing here.
    pub fn skip(&self, what: &Skipped<'_>) {
        self.shared.inbound.skipped(what);
    }

    /// Ends the connection: whatever waits for an answer gets none.
    pub fn end(&self) {
        self.shared.end();
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("ended", &self.shared.ended.is_cancelled()).finish_non_exhaustive()
    }
}

impl Shared {
    fn take_frame(self: &Arc<Self>, frame: &Bytes, during: Option<u64>) {
        match message::read(frame) {
            Ok(Frame::One(message)) => self.take(message, during),
            Ok(Frame::Batch(messages)) => {
                for message in messages {
                    match message {
                        Ok(message) => self.take(message, during),
                        Err(error) => self.inbound.skipped(&Skipped::NoMessage(frame, &error)),
                    }
                }
            }
            Err(error) => self.take_malformed(frame, &error),
        }
    }

    fn take(self: &Arc<Self>, message: Message, during: Option<u64>) {
        match message {
            Message::Response { id, outcome } => {
                let known = our_id(&id).is_some_and(|id| self.answer(id, outcome.map_err(RequestError::Answer)));
                if !known {
                    self.inbound.skipped(&Skipped::Answer(&id));
                }
            }
            Message::Notification { method, params } => match &*method {
                "notifications/progress" => self.progress(params.as_ref()),
                "notifications/cancelled" => self.withdrawn(params.as_ref()),
                method => {
                    let call = during.and_then(|id| self.call_of(id));
                    self.inbound.told(method, params.as_ref(), call.as_ref());
                }
            },
            Message::Request { id, method, .. } if &*method == "ping" => {
                self.lock().send(Outgoing::Result { id, result: Json::empty_object() });
            }
            Message::Request { id, method, params } => self.question(id, method, params, during),
        }
    }

    /// A frame that was meant to be an answer fails its call at once: there will be no other answer.
    fn take_malformed(&self, frame: &Bytes, error: &Malformed) {
        let is_request = memchr::memmem::find(frame, b"\"method\"").is_some();
        let id = error.id.as_ref().filter(|_| !is_request).and_then(our_id);
        let broken = || RequestError::Broken(format!("the answer is no message: {error}").into());
        if !id.is_some_and(|id| self.answer(id, Err(broken()))) {
            self.inbound.skipped(&Skipped::NoMessage(frame, error));
        }
    }

    fn progress(&self, params: Option<&Json>) {
        const TOKEN: &str = "progressToken";
        let Some(params) = params else { return };
        let Ok(members) = Members::read(params.as_bytes()) else { return };
        let Some(id) = members.part(params.bytes(), TOKEN).as_ref().and_then(our_id) else { return };
        if let Some(call) = self.call_of(id) {
            let mut rest = Object::with_capacity(params.as_bytes().len());
            for (name, value) in members.iter().filter(|(name, _)| *name != TOKEN) {
                rest.raw(name, value.get().as_bytes());
            }
            call.progress(&rest.finish());
        }
    }

    fn question(self: &Arc<Self>, id: Json, method: Box<str>, params: Option<Json>, during: Option<u64>) {
        let (shared, key) = (self.clone(), id.clone());
        let call = during.and_then(|id| self.call_of(id));
        // The table stays locked until the task is in it: it might be done at once.
        let mut state = self.lock();
        if state.questions.len() >= MAX_QUESTIONS || state.questions.contains_key(&id) {
            let message = format!("{MAX_QUESTIONS} questions at once are answered, each with an id of its own");
            return state.send(Outgoing::error(Some(id), INTERNAL_ERROR, &message));
        }
        let task = self.tasks.spawn(async move {
            let outcome = shared.inbound.question(method, params, call).await;
            let mut state = shared.lock();
            if state.questions.remove(&key).is_some() {
                state.send(match outcome {
                    Ok(result) => Outgoing::Result { id: key, result },
                    Err(error) => Outgoing::Error { id: Some(key), error },
                });
            }
        });
        state.questions.insert(id, task);
    }

    fn withdrawn(&self, params: Option<&Json>) {
        let id = params.and_then(|params| {
            Members::read(params.as_bytes()).ok().and_then(|members| members.part(params.bytes(), "requestId"))
        });
        if let Some(task) = id.and_then(|id| self.lock().questions.remove(&id)) {
            task.abort();
        }
    }
}
