//! sqlx 0.9.0 forgets to switch Nagle's algorithm off (<https://github.com/transact-rs/sqlx/issues/4335>, mended since, not
//! yet released): whatever is written twice before the answer is read, as a COPY is, then waits up to 40 ms for a delayed
//! acknowledgement. sqlx shows nobody its sockets, so they are looked up among the files of the process. To be deleted with
//! the next release of sqlx.

use std::os::fd::RawFd;

use nix::sys::socket::{SockaddrStorage, getpeername, setsockopt, sockopt::TcpNoDelay};

/// Where Linux lists the open files of a process (proc(5)).
const FILES: &str = "/proc/self/fd";

/// Lets every connection of this process to such a port send at once. Where that cannot be done, it is only slower.
pub(crate) fn set(port: u16) {
    let Ok(files) = std::fs::read_dir(FILES) else { return };
    let numbers = files.flatten().filter_map(|file| file.file_name().to_str()?.parse().ok());
    for file in numbers.filter(|file| leads_to(*file, port)) {
        // A file that was closed meanwhile, or whose number is another's now, takes no harm.
        let _ = setsockopt(file, TcpNoDelay, &true);
    }
}

fn leads_to(file: RawFd, port: u16) -> bool {
    let Ok(peer) = getpeername::<SockaddrStorage>(file) else { return false };
    let port_of_v4 = peer.as_sockaddr_in().map(nix::sys::socket::SockaddrIn::port);
    let port_of_v6 = peer.as_sockaddr_in6().map(nix::sys::socket::SockaddrIn6::port);
    port_of_v4.or(port_of_v6) == Some(port)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn connections_to_the_port_send_at_once_and_others_are_left_alone() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(server) = TcpListener::bind(host) else { continue }; // no IPv6 here
            let other = TcpListener::bind("127.0.0.1:0").unwrap();
            let connect = |to: &TcpListener| TcpStream::connect(to.local_addr().unwrap()).unwrap();
            let (ours, theirs) = (connect(&server), connect(&other));
            assert!(!ours.nodelay().unwrap());
            set(server.local_addr().unwrap().port());
            assert!(ours.nodelay().unwrap() && !theirs.nodelay().unwrap());
        }
    }
}
