//! `wasi:keyvalue`: what a plugin keeps from call to call.

use crate::{
    bindings::keyvalue::{
        atomics::{self, CasError},
        store::{self, Error, KeyResponse},
    },
    guest::Guest,
};
use wasmtime::component::Resource;

/// An open bucket.
#[derive(Debug)]
pub struct Bucket;

/// The remembered state of a key.
#[derive(Debug)]
pub struct Cas;

impl store::Host for Guest {
    async fn open(&mut self, _identifier: String) -> wasmtime::Result<Result<Resource<Bucket>, Error>> {
        Ok(Err(Error::AccessDenied))
    }
}

impl store::HostBucket for Guest {
    async fn get(&mut self, _: Resource<Bucket>, _key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn set(&mut self, _: Resource<Bucket>, _key: String, _value: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn delete(&mut self, _: Resource<Bucket>, _key: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn exists(&mut self, _: Resource<Bucket>, _key: String) -> wasmtime::Result<Result<bool, Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn list_keys(
        &mut self,
        _: Resource<Bucket>,
        _cursor: Option<u64>,
    ) -> wasmtime::Result<Result<KeyResponse, Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn drop(&mut self, _: Resource<Bucket>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl atomics::Host for Guest {
    async fn increment(
        &mut self,
        _: Resource<Bucket>,
        _key: String,
        _delta: i64,
    ) -> wasmtime::Result<Result<i64, Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn swap(&mut self, _: Resource<Cas>, _value: Vec<u8>) -> wasmtime::Result<Result<(), CasError>> {
        Ok(Err(CasError::StoreError(Error::AccessDenied)))
    }
}

impl atomics::HostCas for Guest {
    async fn new(&mut self, _: Resource<Bucket>, _key: String) -> wasmtime::Result<Result<Resource<Cas>, Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn current(&mut self, _: Resource<Cas>) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(Err(Error::AccessDenied))
    }

    async fn drop(&mut self, _: Resource<Cas>) -> wasmtime::Result<()> {
        Ok(())
    }
}
