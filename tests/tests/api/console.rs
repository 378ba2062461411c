//! The console, as a browser without scripts uses it: pages that are read, links that are followed, forms that are sent.

mod browser; // somebody who looks at pages
mod door; // in and out
mod hostile; // what jobs may hold
mod live; // what changes by itself
mod orders; // what is done from a page
mod pages; // what stands on them
