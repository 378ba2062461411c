//! The console, as a browser without scripts uses it: pages that are read, links that are followed, forms that are sent.

mod again; // a run that is over, from one of its steps
mod browser; // somebody who looks at pages
mod door; // in and out
mod hostile; // what jobs may hold
mod limits; // what a page counts for
mod lists; // tenants and numbers
mod live; // what changes by itself
mod operations; // orders about many jobs
mod orders; // what is done from a page
mod pages; // what stands on them
mod settings; // what is set from a page
mod statements; // what a page asks of the database
mod switches; // for the whole product
