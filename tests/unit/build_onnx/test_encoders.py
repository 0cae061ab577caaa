"""An encoder exported, quantized, pruned, distilled and made into a static student: a tiny BERT."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from tokenizers import Tokenizer

from edgebot.build.artefact import Artefact
from edgebot.build.evaluator import Trial
from edgebot.build.intent_split import split
from edgebot.build.linear import Scheme, errors, quantize
from edgebot.build.minilm_evaluate import CosineParameters, EncoderCosine
from edgebot.build.minilm_export import ExportEncoder, ExportEncoderParameters
from edgebot.build.minilm_open import open_encoder
from edgebot.build.minilm_prune import PruneEncoder, PruneEncoderParameters
from edgebot.build.minilm_weights import read_bert
from edgebot.build.onnx_quant import Dynamic, DynamicParameters, Static, StaticParameters
from edgebot.build.onnx_quant_weights import WeightOnly, WeightsParameters
from edgebot.build.step import Texts, make_step
from edgebot.build.student import StaticStudent, StudentParameters, unjudged
from edgebot.core.errors import EngineError, ModelCorrupt, UsageError
from edgebot.embed.safetensors_file import write_safetensors
from edgebot.embed.static import StaticEncoder

from . import tiny

TORCH = "torch is only in the extra build: pip install -e '.[build]'"
HELD = tiny.sentences(24, seed=9)


@pytest.fixture
def source(tmp_path):
    return tiny.artefact(tmp_path / "source")


@pytest.fixture
def graph(tmp_path, source):
    step = ExportEncoder(ExportEncoderParameters())
    return tiny.made(step, tiny.job(tmp_path / "export", source))[0]


def likeness(tmp_path, artefact, source):
    trial = Trial(
        artefact, source, tmp_path / "trial", tiny.job(tmp_path / "t", source, held=HELD).texts
    )
    return EncoderCosine(CosineParameters(sentences=24)).run(trial)


def test_the_graph_is_the_network(tmp_path, source, graph):
    torch = pytest.importorskip("torch", reason=TORCH)
    from edgebot.build.minilm_torch import (
        batch_of,
        hidden_states,
        parameters,
        sentence_vectors,
        tokenized,
    )

    bert = read_bert(source)
    batch = batch_of(tokenized(source, HELD))
    with torch.no_grad():
        states = hidden_states(bert, parameters(bert, trained=False), batch)
    expected = sentence_vectors(states[-1], batch).numpy()
    assert np.allclose(open_encoder(graph, tmp_path).embed(HELD), expected, atol=1e-5)


def test_it_is_evaluated_against_the_weights_it_was_made_from(tmp_path, source, graph):
    found = likeness(tmp_path, graph, source)
    assert found["cosine_least"] > 0.99999
    assert found["relation"] > 0.99999


@pytest.mark.parametrize(
    ("step", "least"),
    [
        (Dynamic(DynamicParameters()), 0.97),
        (WeightOnly(WeightsParameters(least=0)), 0.998),
        (WeightOnly(WeightsParameters(symmetric=True, least=0)), 0.998),
        (WeightOnly(WeightsParameters(bits=4, block=16, least=0)), 0.9),
    ],
)
def test_quantizers_stay_near_and_agree_with_the_reference(tmp_path, source, graph, step, least):
    artefact, notes = tiny.made(step, tiny.job(tmp_path / "step", graph))
    assert likeness(tmp_path, artefact, source)["cosine_mean"] > least
    assert artefact.file().stat().st_size < graph.file().stat().st_size
    assert notes["sqnr_db"] > (15 if getattr(step.parameters, "bits", 8) == 4 else 30)
    if step.name == "onnx-dynamic":
        assert notes["as_reference"] > 0.999
        assert notes["weights"] == 9  # four matrices a layer and the table of words


def test_matmulnbits_is_the_asymmetric_reading_by_block(tmp_path, graph):
    artefact, _ = tiny.made(
        WeightOnly(WeightsParameters(least=0, tables="float")), tiny.job(tmp_path / "w", graph)
    )
    held = {each.name: each for each in onnx.load(str(artefact.file())).graph.initializer}
    before = {each.name: each for each in onnx.load(str(graph.file())).graph.initializer}
    name = "layer.0.inner.weight"
    packed, scales, zeros = (
        onnx.numpy_helper.to_array(held[name + suffix]).astype(np.float64)
        for suffix in ("_Q8", "_scales", "_zero_points")
    )
    told = (packed - zeros.reshape(*scales.shape, 1)) * scales[:, :, None]
    numbers = onnx.numpy_helper.to_array(before[name])
    theirs = errors(numbers, told.reshape(len(scales), -1)[:, : len(numbers)].T)
    scheme = Scheme(8, symmetric=False, signed=False, sharing="block", axis=0, block=32)
    ours = errors(numbers, quantize(numbers, scheme).numbers())
    assert theirs.sqnr_db == pytest.approx(ours.sqnr_db, abs=0.3)


def test_static_needs_a_text_and_is_worse(tmp_path, source, graph):
    step = Static(StaticParameters(samples=6))
    with pytest.raises(UsageError, match="no text called 'calibration'"):
        tiny.made(step, tiny.job(tmp_path / "without", graph))
    with pytest.raises(UsageError, match="is empty"):
        tiny.made(step, tiny.job(tmp_path / "empty", graph, calibration=["", " "]))
    artefact, notes = tiny.made(
        step, tiny.job(tmp_path / "with", graph, calibration=tiny.sentences(6))
    )
    assert notes["samples"] == 6
    exact, _ = tiny.made(WeightOnly(WeightsParameters(least=0)), tiny.job(tmp_path / "w", graph))
    assert (
        likeness(tmp_path, artefact, source)["cosine_mean"]
        < likeness(tmp_path, exact, source)["cosine_mean"]
    )


def test_the_same_twice_gives_the_same_bytes(tmp_path, source, graph):
    for step in (
        ExportEncoder(ExportEncoderParameters()),
        StaticStudent(StudentParameters(dimensions=16)),
        WeightOnly(WeightsParameters(least=0)),
    ):
        given = source if step.takes == "safetensors" else graph
        hashes = {
            tiny.made(step, tiny.job(tmp_path / f"{step.name}{n}", given))[0].sha256
            for n in range(2)
        }
        assert len(hashes) == 1, step.name


@pytest.mark.parametrize("by", ["weight", "random", "activity", "gradient", "activity+gradient"])
def test_heads_and_neurons_are_taken_out(tmp_path, source, by):
    if by not in ("weight", "random"):
        pytest.importorskip("torch", reason=TORCH)
    step = PruneEncoder(PruneEncoderParameters(heads=2, neurons=24, by=by, sentences=32))
    pruned, notes = tiny.made(
        step, tiny.job(tmp_path / "p", source, calibration=tiny.sentences(32))
    )
    bert = read_bert(pruned)
    assert [bert.heads(0), bert.neurons(1)] == [2, 24]
    assert notes["parameters"] < notes["parameters_before"]
    assert open_encoder(pruned, tmp_path / "open").embed(HELD).shape == (24, tiny.WIDTH)


def test_what_does_nothing_is_taken_out_first(tmp_path):
    pytest.importorskip("torch", reason=TORCH)
    weights = tiny.tensors()
    silent, idle = [3, 10, 40], 1
    outer = weights["encoder.layer.1.output.dense.weight"]
    outer[:, silent] = 0.0
    weights["encoder.layer.1.attention.output.dense.weight"][:, idle * 8 : idle * 8 + 8] = 0.0
    source = tiny.artefact(tmp_path / "s", weights)
    for by in ("activity", "gradient"):
        step = PruneEncoder(
            PruneEncoderParameters(heads=3, neurons=tiny.NEURONS - 3, by=by, sentences=32)
        )
        pruned, _ = tiny.made(step, tiny.job(tmp_path / by, source, calibration=tiny.sentences(32)))
        kept = read_bert(pruned).dense(1, "output.dense")[0]
        assert np.array_equal(kept, np.delete(outer, silent, axis=1)), by


def test_layers_are_left_out(tmp_path, source):
    step = PruneEncoder(PruneEncoderParameters(layers=(1,)))
    pruned, _ = tiny.made(step, tiny.job(tmp_path / "p", source))
    bert, whole = read_bert(pruned), read_bert(source)
    assert bert.layers == 1
    assert np.array_equal(bert.dense(0, "output.dense")[0], whole.dense(1, "output.dense")[0])


def test_a_distilled_student_comes_nearer(tmp_path, source):
    pytest.importorskip("torch", reason=TORCH)
    pruned, _ = tiny.made(
        PruneEncoder(PruneEncoderParameters(heads=2, neurons=16, by="weight")),
        tiny.job(tmp_path / "p", source),
    )
    losses = {"vectors": 1.0, "logits": 0.1, "features": 0.1, "relations": 1.0}
    step = make_step(
        "distil-encoder",
        {"steps": 60, "rate": 3e-3, "losses": losses, "text": "fit", "frozen_words": False},
    )
    work = tiny.job(tmp_path / "d", pruned, source, fit=tiny.sentences(200))
    student, notes = tiny.made(step, work)
    before = likeness(tmp_path / "a", pruned, source)["cosine_mean"]
    after = likeness(tmp_path / "b", student, source)["cosine_mean"]
    assert after > before + 0.02
    assert set(notes["curves"]) == set(losses)
    assert notes["curves"]["vectors"][-1] < notes["curves"]["vectors"][0]


def test_a_static_student_knows_its_pieces(tmp_path, source, graph):
    step = StaticStudent(
        StudentParameters(dimensions=16, text="fit", sentences=200, epochs=20, step=0.05)
    )
    work = tiny.job(tmp_path / "s", graph, source, fit=tiny.sentences(200))
    student, notes = tiny.made(step, work)
    encoder = StaticEncoder(student.file(), student.file("tokenizer"))
    assert encoder.dimensions == 16
    vectors = encoder.embed(["turn the light on", "", "turn  THE light on"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert np.allclose(vectors[0], vectors[2])
    pieces = encoder.tokens("dim the lamp")
    assert pieces.spans == ((0, 3), (4, 7), (8, 12))
    assert notes["curves"]["relation"][-1] < notes["curves"]["relation"][0]
    plain = StaticStudent(StudentParameters(dimensions=16))
    unfitted, _ = tiny.made(plain, tiny.job(tmp_path / "u", graph, source))
    assert (
        likeness(tmp_path / "a", student, source)["relation"]
        > likeness(tmp_path / "b", unfitted, source)["relation"]
    )


def test_a_student_that_looks_at_neighbours_knows_their_order(tmp_path, source, graph):
    pytest.importorskip("torch", reason=TORCH)
    want = StudentParameters(
        dimensions=16, text="fit", sentences=200, epochs=20, step=0.05, context=24
    )
    work = tiny.job(tmp_path / "s", graph, source, fit=tiny.sentences(200))
    student, notes = tiny.made(StaticStudent(want), work)
    assert notes["curves"]["relation"][-1] < notes["curves"]["relation"][0]
    encoder = StaticEncoder(student.file(), student.file("tokenizer"))
    one, other, same = encoder.embed(
        ["turn the light on", "the light turn on", "turn  THE light on"]
    )
    assert np.allclose(one, same) and not np.allclose(one, other)
    assert len(encoder.tokens("").vectors) == 0
    alone = encoder.tokens("lamp").vectors[0]
    assert not np.allclose(alone, encoder.tokens("dim the lamp").vectors[2])
    plain = StaticStudent(want.model_copy(update={"context": 0}))
    without, _ = tiny.made(plain, tiny.job(tmp_path / "w", graph, source, fit=tiny.sentences(200)))
    assert (
        likeness(tmp_path / "a", student, source)["relation"]
        > likeness(tmp_path / "b", without, source)["relation"] - 0.01
    )


@pytest.mark.parametrize(
    "change",
    [
        {"taps": None},
        {"mix": np.zeros((3, 3), np.float32)},
        {"bias": np.full(4, np.nan, np.float32)},
        {"bias": np.zeros((4, 1), np.float32)},
    ],
)
def test_a_damaged_look_at_neighbours_is_refused(tmp_path, graph, change):
    tensors = {
        "vectors": np.zeros((60, 8), np.int8),
        "scales": np.ones(60, np.float32),
        "taps": np.zeros((4, 24), np.float32),
        "bias": np.zeros(4, np.float32),
        "mix": np.zeros((8, 4), np.float32),
    }
    tokenizer = graph.file("tokenizer")
    size = Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    tensors |= {"vectors": np.zeros((size, 8), np.int8), "scales": np.ones(size, np.float32)}
    write_safetensors(tmp_path / "whole.safetensors", tensors, {})
    StaticEncoder(tmp_path / "whole.safetensors", tokenizer)
    changed = {name: value for name, value in (tensors | change).items() if value is not None}
    write_safetensors(tmp_path / "damaged.safetensors", changed, {})
    with pytest.raises(ModelCorrupt, match="taps, bias, mix do not fit"):
        StaticEncoder(tmp_path / "damaged.safetensors", tokenizer)


def test_a_student_is_not_fitted_to_what_it_is_judged_by(tmp_path):
    rows = [(f"say number {at}", f"intent{at % 3}") for at in range(60)]
    file, questions = tmp_path / "labelled.jsonl", tmp_path / "questions.jsonl"
    file.write_text("\n".join(json.dumps({"text": t, "intent": i}) for t, i in rows))
    questions.write_text(json.dumps({"question": "what is it", "answer": ["a"]}))
    texts = Texts({"fit": [file, questions]})
    judged = {text for one_in in (4, 10) for text, _ in split(rows, one_in)[1]}
    found = set(unjudged(texts, "fit", 1000, (4, 10)))
    assert judged and not found & judged
    assert found == {text for text, _ in rows} - judged | {"what is it"}
    assert len(unjudged(texts, "fit", 7, (4, 10))) == 7
    assert judged <= set(unjudged(texts, "fit", 1000, ()))


def test_a_truncated_source_is_said_to_be(tmp_path, source, graph):
    whole = source.file().read_bytes()
    for length in (4, 100, len(whole) - 10):
        source.file().write_bytes(whole[:length])
        with pytest.raises(ModelCorrupt, match=r"ends|damaged"):
            read_bert(source)
    graph.file().write_bytes(graph.file().read_bytes()[:-5000])
    for step in (Dynamic(DynamicParameters()), WeightOnly(WeightsParameters())):
        with pytest.raises(ModelCorrupt, match="no whole ONNX file"):
            tiny.made(step, tiny.job(tmp_path / step.name, graph))


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    weights = tiny.tensors()
    weights["encoder.layer.0.output.dense.weight"][0, 0] = np.nan
    damaged = tiny.artefact(tmp_path / "nan", weights)
    with pytest.raises(EngineError, match=r"layer\.0\.output.* 1 of 2048 numbers .*NaN"):
        read_bert(damaged)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "llama"}, "the architecture is 'llama'"),
        ({"hidden_act": "silu"}, "with 'silu'"),
        ({"num_hidden_layers": 3}, r"has no encoder\.layer\.2"),
        ({"num_attention_heads": 5}, "was expected"),
        ({"hidden_size": "wide"}, "no config of an encoder"),
    ],
)
def test_another_architecture_is_named(tmp_path, source, change, says):
    source.file("config").write_text(json.dumps({**tiny.config(), **change}))
    with pytest.raises(EngineError, match=says):
        read_bert(source)


def test_names_that_fit_nothing_are_told_with_what_there_is(tmp_path, graph):
    with pytest.raises(UsageError, match=r"fits 'nosuch'.*MatMul"):
        tiny.made(Dynamic(DynamicParameters(only="nosuch")), tiny.job(tmp_path / "a", graph))
    with pytest.raises(UsageError, match="no regular expression"):
        tiny.made(WeightOnly(WeightsParameters(only="(")), tiny.job(tmp_path / "b", graph))
    with pytest.raises(UsageError, match="layer 0, which has 4"):
        tiny.made(
            PruneEncoder(PruneEncoderParameters(heads=9, by="weight")),
            tiny.job(tmp_path / "c", tiny.artefact(tmp_path / "s")),
        )


def test_losses_that_nobody_knows_are_no_recipe():
    with pytest.raises(ValueError, match="unknown: likeness; known are vectors"):
        make_step("distil-encoder", {"losses": {"likeness": 1}})
    with pytest.raises(ValueError, match="no weight is above 0"):
        make_step("distil-encoder", {"losses": {"vectors": 0}})


def test_a_damaged_student_names_the_next_step(tmp_path, graph):
    student, _ = tiny.made(
        StaticStudent(StudentParameters(dimensions=8)), tiny.job(tmp_path / "s", graph)
    )
    tokenizer = student.file("tokenizer")
    with pytest.raises(ModelCorrupt, match="no static sentence encoder"):
        StaticEncoder(tiny.artefact(tmp_path / "bert").file(), tokenizer)
    content = student.file().read_bytes()
    student.file().write_bytes(content[:-3])
    with pytest.raises(ModelCorrupt, match=r"ends before|another size"):
        StaticEncoder(student.file(), tokenizer)
    student.file().write_bytes(content)
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ModelCorrupt, match="edgebot models verify"):
        StaticEncoder(student.file(), tmp_path / "broken.json")


def test_an_encoder_without_its_tokenizer_is_none(tmp_path, graph):
    with pytest.raises(UsageError, match="no tokenizer"):
        open_encoder(Artefact(graph.folder, {"model": "model.onnx"}), tmp_path)
