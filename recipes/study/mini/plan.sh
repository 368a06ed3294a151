# What scripts/elastic does in `make elastic-mini`: everything from synthetic text, in about five minutes on two cores.
steps=100       # of every method
router_steps=10 # of elastic's
batch=8         # windows a step
budget=45       # per cent of the parent's parameters
align=16
seeds=1
rates=2e-3
init_std=0.05   # of weights that are drawn
methods="b0 b1 b2 b3 b4 b5 b7 b9 elastic"
requirements=(--require-below elastic,b2 --require-seam 1e-4) # of the table, or the run fails

data=$work/problems
router_recipe=$recipes/elastic.toml
student_recipe=$recipes/distill.toml
changes=()        # --set KEY=VALUE, to both
router_changes=() # to the router's

make_parent() {
  once problems "$data" "$train" synth-data --out "$data" --size 1MB --tests 60 --seed 1
  local run=("$recipes/parent.toml" --data "$data" --work "$work/parent")
  once parent "$work/parent.gguf" eval '"$train" pretrain "${run[@]}" && "$train" export "${run[@]}" --out "$work/parent.gguf"'
  parent=$work/parent.gguf
  # A little of every kind of problem, none of those held out.
  head -qn 24 "$data"/9000*.jsonl >"$work/calibration.jsonl"
  calibration=(--data "$work/calibration.jsonl" --context 128 --rank 8 --rank-windows 8)
}
