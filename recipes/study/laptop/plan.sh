# What scripts/elastic does in `make elastic`: the built-in model shrunk to 45 %, by tokens of the books it was trained on.
#   PROSE=FOLDER make elastic WORK=FOLDER [STEPS=1000]     a step is 2048 tokens
steps=${STEPS:-1000}
router_steps=${ROUTER_STEPS:-$((steps / 50))}
batch=4
budget=45
align=16
seeds=${SEEDS:-1 2 3}
rates=${RATES:-7e-4 1.5e-3 3e-3}
methods=${METHODS:-b0 b1 b2 b3 b4 b5 elastic}
requirements=() # the report says what came out
init_std=0.04
light_steps=$((steps / 50)) # for each shape of b6: past the warm-up

data=${PROSE:?is to name the folder of books, <id>-<title>.txt}
router_recipe=$recipes/../../elastic/laptop.toml
student_recipe=$recipes/../../elastic/laptop-distill.toml
changes=(--set train.precision=f32 --set judge.windows=64 --set schedule.warmup_steps=$((steps / 100)))

# A router that has a few dozen steps learns faster, and is less far from certain at the end, than one with thousands. The
# rate does not decay: what the router chose goes on learning at once.
router_changes=(--set schedule.kind=wsd --set router.learning_rate=5e-2 --set router.temperature='[1.0, 0.1]'
  --set router.scale='[1.0, 3.0]' --set budget.lambda=2)

make_parent() {
  parent=$work/parent.gguf
  once parent "$parent" "$adder" convert "$(dirname "$0")/../models/seedling.gguf" "$parent" --type f32
  # A page out of the middle of every book but those held out.
  local book
  for book in "$data"/*.txt; do
    case ${book##*/} in
      236-* | 1661-* | 1874-*) ;;
      *) head -c 52000 "$book" | tail -c 2500 ;;
    esac
  done >"$work/calibration.txt"
  calibration=(--data "$work/calibration.txt" --context 512 --windows 64 --rank 10 --rank-windows 8)
}
