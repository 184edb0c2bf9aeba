//! The files of `deploy/` call the program as it is: their own commands are run here, up to the point where they
//! would begin to work (`--dry-run`), with what a scheduler puts into the environment.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop where it cannot go on")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_yaml::Value;

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(deploy(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

fn yaml(file: &str) -> Value {
    serde_yaml::from_str(&text(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

/// A shell command in an empty folder, with this program as `mqspec` on its path.
fn shell(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder to work in");
    let program = Path::new(env!("CARGO_BIN_EXE_mqspec"));
    let path = format!(
        "{}:{}",
        program.parent().expect("it stands in a folder").display(),
        std::env::var("PATH").expect("there is a path")
    );
    Command::new("bash")
        .args(arguments)
        .current_dir(folder.path())
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .envs(environment.iter().copied())
        .output()
        .expect("bash can be started")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it writes UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it writes UTF-8")
}

/// The first line that matters of a sweep's dry run: how many runs of what, and which shard.
fn would_run(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(output), stderr(output));
    stdout(output).lines().next().unwrap_or_default().to_owned()
}

/// The reports of two shards, and what adds them up; they must come out as one whole.
fn adds_up(run: impl Fn(&Path) -> Output) {
    let folder = tempfile::tempdir().expect("a folder for the reports");
    let results = folder.path().join("results");
    fs::create_dir(&results).expect("the folder can be made");
    for shard in ["1/2", "2/2"] {
        let report = results.join(format!("shard-{}.json", &shard[..1]));
        let swept = Command::new(env!("CARGO_BIN_EXE_mqspec"))
            .args(["sweep", "mqtt/ping", "--seeds", "0..2", "--shard", shard, "--output"])
            .arg(&report)
            .current_dir(folder.path())
            .output()
            .expect("the program can be started");
        assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
    }
    let merged = run(&results);
    assert_eq!(merged.status.code(), Some(0), "{}{}", stdout(&merged), stderr(&merged));
    let sum = fs::read_to_string(results.join("sweep.json")).expect("the sum is written");
    let sum: serde_json::Value = serde_json::from_str(&sum).expect("it is JSON");
    assert_eq!(sum.get("shards"), Some(&serde_json::json!([])), "all shards are in it");
}

#[test]
fn a_task_of_the_slurm_array_sweeps_its_shard() {
    let script = deploy("slurm/sweep.sbatch").display().to_string();
    let task = [
        ("SLURM_ARRAY_TASK_ID", "2"),
        ("SLURM_ARRAY_TASK_COUNT", "3"),
        ("SLURM_CPUS_PER_TASK", "2"),
        ("MQSPEC_FLAGS", "--dry-run"),
    ];
    let output = shell(&[&script, "mqtt/ping", "amqp", "--seeds", "0..30"], &task);
    assert!(would_run(&output).ends_with("shard 2/3"), "{}", stdout(&output));
    let merge = deploy("slurm/merge.sbatch").display().to_string();
    adds_up(|results| shell(&[&merge], &[("MQSPEC_RESULTS", &results.display().to_string())]));
}

/// The only container of a Job, with its command line and its environment.
fn container(job: &Value) -> (Vec<String>, Vec<(String, String)>) {
    let pod = &job["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let strings = |list: &Value| -> Vec<String> {
        let list = list.as_sequence().expect("a list");
        list.iter().map(|word| word.as_str().expect("a string").to_owned()).collect()
    };
    let words = [strings(&container["command"]), strings(&container["args"])].concat();
    let environment = container["env"].as_sequence().expect("a list").iter().map(|variable| {
        let string = |key: &str| variable[key].as_str().expect("a string").to_owned();
        (string("name"), string("value"))
    });
    let mounts = container["volumeMounts"].as_sequence().expect("a list");
    let volumes = pod["volumes"].as_sequence().expect("a list");
    assert_eq!(mounts[0]["name"], volumes[0]["name"], "what is mounted is there");
    (words, environment.collect())
}

#[test]
fn an_index_of_the_kubernetes_job_sweeps_its_shard() {
    let job = yaml("kubernetes/sweep-job.yaml");
    let (words, environment) = container(&job);
    assert_eq!((words[0].as_str(), words[1].as_str()), ("/bin/sh", "-ec"));
    let mut environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let completions = job["spec"]["completions"].as_u64().expect("a number");
    assert!(environment.contains(&("MQSPEC_SHARDS", &completions.to_string())), "{environment:?}");
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    environment.extend([("JOB_COMPLETION_INDEX", "15"), ("MQSPEC_FLAGS", "--dry-run")]);
    let output = shell(&[words[1].as_str(), words[2].as_str()], &environment);
    assert!(would_run(&output).ends_with("shard 16/16"), "{}", stdout(&output));

    let (words, _) = container(&yaml("kubernetes/merge-job.yaml"));
    adds_up(|results| {
        let results = results.display().to_string();
        shell(&[words[1].as_str(), words[2].as_str()], &[("MQSPEC_RESULTS", &results)])
    });
    let claim = yaml("kubernetes/results.yaml")["metadata"]["name"].clone();
    for file in ["kubernetes/sweep-job.yaml", "kubernetes/merge-job.yaml"] {
        let volume = &yaml(file)["spec"]["template"]["spec"]["volumes"][0];
        assert_eq!(volume["persistentVolumeClaim"]["claimName"], claim, "{file}");
    }
}

/// What the steps of a workflow's job run.
fn commands(workflow: &Value, job: &str) -> Vec<String> {
    let steps = workflow["jobs"][job]["steps"].as_sequence().expect("a list of steps");
    steps.iter().filter_map(|step| step["run"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_matrix_of_the_workflow_sweeps_every_shard() {
    let workflow = yaml("ci/github-actions.yaml");
    let shards =
        workflow["jobs"]["sweep"]["strategy"]["matrix"]["shard"].as_sequence().expect("a list").len();
    let [sweep] = &commands(&workflow, "sweep")[..] else { panic!("one command sweeps") };
    for shard in 1..=shards {
        let command = sweep
            .replace("${{ matrix.shard }}", &shard.to_string())
            .replace("chmod +x target/release/mqspec", ":")
            .replace("target/release/mqspec", "mqspec")
            .replace("--output", "--dry-run --output");
        assert!(!command.contains("${{"), "{command}");
        let output = shell(&["-ec", &command], &[("SEEDS", "0..30")]);
        assert!(would_run(&output).ends_with(&format!("shard {shard}/{shards}")), "{}", stdout(&output));
    }
    let partitions = workflow["jobs"]["tests"]["strategy"]["matrix"]["partition"].as_sequence();
    let partitions = partitions.expect("a list").len();
    let [tests] = &commands(&workflow, "tests")[..] else { panic!("one command runs tests") };
    assert!(
        tests.ends_with(&format!("--partition count:${{{{ matrix.partition }}}}/{partitions}")),
        "{tests}"
    );
    let [merge] = &commands(&workflow, "merge")[..] else { panic!("one command adds up") };
    adds_up(|results| {
        let merge =
            merge.replace("chmod +x target/release/mqspec", ":").replace("target/release/mqspec", "mqspec");
        shell(&["-ec", &format!("cd {} && {merge}", results.display())], &[])
    });
}
