//! Throwaway.
use std::{sync::Arc, time::Duration};
use clients::twilio::{Config as TwilioConfig, Twilio};
use daemon::{config::Env, lifecycle::Lifecycle, probes::Probes, telemetry::{self, LogConfig}};
use engine::{Engine, Pool, PoolConfig, Sealer};
use workflows::{Clients, DemoSettings, Settings, SmsSender};

#[tokio::main]
async fn main() {
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let metrics = telemetry::install(&log, "api", "0").unwrap();
    let config = api::Config::read(&env);
    let config = match env.finish(config) { Ok(c) => c, Err(e) => { eprintln!("{e}"); std::process::exit(2) } };
    let registry = Arc::new(workflows::registry(true));
    let url: secrecy::SecretString = std::env::var("APIDB").unwrap().into();
    let engine = Engine::connect(engine::Config {
        url: url.clone(), direct_url: Some(url), product_connections: 16,
        sealer: Arc::new(Sealer::parse("k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap()),
    }, &registry).await.unwrap();
    let mut life = Lifecycle::install().unwrap();
    if std::env::var("WORKERS").is_ok() {
        let sms = std::env::var("TWILIO_API_BASE").ok().map(|base| SmsSender {
            twilio: Twilio::new(clients::http::client(Duration::from_secs(10)).unwrap(), TwilioConfig {
                api_base: base.parse().unwrap(), account_sid: "AC0123456789abcdef0123456789abcdef".into(), auth_token: "0123456789abcdef".to_owned().into() }).unwrap(),
            from: domain::PhoneNumber::from_e164("+15005550006").unwrap(),
            public_base_url: config.public_base_url.parse().unwrap(),
            second_look: Duration::from_secs(2),
        });
        let from = sms.as_ref().map(|s| s.from.clone());
        let settings = Settings { pepper: config.pepper.clone(), demo: DemoSettings { lifetime: config.demo.lifetime, daily_calls_max: None, sms_template: None }, sms_from: from };
        let (pool, mut jobs) = Pool::join(engine.clone(), registry.clone(), Arc::new(Clients { sms, ledger: None }), Arc::new(settings), PoolConfig::batch(8)).await.unwrap();
        tokio::spawn(async move {
            while let Some(batch) = jobs.recv().await {
                for job in batch {
                    let pool = pool.clone();
                    tokio::spawn(async move { let e = pool.attempt(&job).await; pool.settle(&job, e).await; });
                }
            }
        });
    }
    let listener = tokio::net::TcpListener::bind(config.listen).await.unwrap();
    eprintln!("listening {}", listener.local_addr().unwrap());
    let probes = Probes::new(life.drain());
    let state = api::ApiState::new(engine, registry, config, probes, metrics);
    life.task("api", api::serve(listener, state, life.drain()));
    let reason = life.until_stopped(Duration::from_secs(10)).await;
    eprintln!("{reason} {}", reason.code());
    std::process::exit(i32::from(reason.code()));
}
