# SPDX-License-Identifier: Apache-2.0
"""Writes one small model of random numbers, of an architecture that is asked for: zoo_gguf.py ARCHITECTURE FILE [NAME=NUMBER …].

Run by tests/system/vram.py inside build/engine-root, where python3-gguf lives. Sizes are large enough that padding does not
decide (tens of MB) and uneven enough that two dimensions mistaken for each other show. ARCHITECTURE may carry a variant behind
a dot: "llama.q4_0". The numbers come from a fixed seed.
"""
import sys

import gguf
import numpy

SEED = 20261121
SIZES = {"width": 512, "layers": 6, "heads": 8, "heads_kv": 2, "head": 64, "feed": 1408, "words": 8192, "context": 131072,
         "experts": 8, "used": 2, "feed_expert": 256, "inner": 1024, "state": 16}
Q = gguf.GGMLQuantizationType


class Model:
    def __init__(self, architecture, path, sizes):
        self.out = gguf.GGUFWriter(path, architecture)
        self.dice = numpy.random.default_rng(SEED)
        self.__dict__.update(SIZES, **sizes)
        self.sizes, self.kind = sizes, Q.F16
        self.out.add_name("zoo")

    def prefer(self, **sizes):
        """Sizes of this architecture, unless asked for otherwise."""
        self.__dict__.update({name: value for name, value in sizes.items() if name not in self.sizes})

    def attention(self, rms=True, rope=None, kv=None):
        self.out.add_head_count(self.heads)
        self.out.add_head_count_kv(self.heads_kv if kv is None else kv)
        self.out.add_rope_dimension_count(rope or self.head)
        (self.out.add_layer_norm_rms_eps if rms else self.out.add_layer_norm_eps)(1e-5)

    def heads_of(self, key, value=None):
        self.out.add_key_length(key)
        self.out.add_value_length(value or key)

    def f32(self, name, *shape):
        self.out.add_tensor(name, self.dice.normal(0, 0.05, shape).astype(numpy.float32))

    def matrix(self, name, *shape, kind=None):
        kind = kind or self.kind
        if kind == Q.F16:
            self.out.add_tensor(name + ".weight", self.dice.normal(0, 0.02, shape).astype(numpy.float16))
            return
        block, size = gguf.GGML_QUANT_SIZES[kind]
        raw = numpy.zeros((*shape[:-1], shape[-1] // block * size), dtype=numpy.uint8)
        raw[..., ::size] = self.dice.integers(0, 60, raw[..., ::size].shape)  # small scales: no infinity
        self.out.add_tensor(name + ".weight", raw, raw_dtype=kind)

    def norm(self, name, width=None, bias=False):
        self.f32(name + ".weight", width or self.width)
        if bias:
            self.f32(name + ".bias", width or self.width)

    def biased(self, name, *shape):
        self.matrix(name, *shape)
        self.f32(name + ".bias", shape[0])

    def words_of(self):
        kinds = gguf.TokenType
        tokens = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
        tokens += [("<0x%02X>" % byte, kinds.BYTE) for byte in range(256)]
        tokens += [("▁", kinds.NORMAL)] + [(chr(code), kinds.NORMAL) for code in range(33, 127)]
        tokens += [("<w%d>" % n, kinds.NORMAL) for n in range(self.words - len(tokens))]
        self.out.add_tokenizer_model("llama")
        self.out.add_token_list([text.encode() for text, _ in tokens])
        self.out.add_token_scores([0.0] * len(tokens))
        self.out.add_token_types([kind for _, kind in tokens])
        self.out.add_bos_token_id(1)
        self.out.add_eos_token_id(2)
        self.out.add_unk_token_id(0)
        self.out.add_vocab_size(len(tokens))

    def ends(self, tied=False, bias=False, norm="output_norm"):
        self.matrix("token_embd", self.words, self.width)
        self.norm(norm, bias=bias)
        if not tied:
            self.matrix("output", self.words, self.width)

    def qkv(self, block, make=None, head=None):
        make, head = make or self.matrix, head or self.head
        make(block + "attn_q", self.heads * head, self.width)
        make(block + "attn_k", self.heads_kv * head, self.width)
        make(block + "attn_v", self.heads_kv * head, self.width)
        self.matrix(block + "attn_output", self.width, self.heads * head)

    def gated(self, block, feed=None, suffix=""):
        feed = feed or self.feed
        self.matrix(block + "ffn_gate" + suffix, feed, self.width)
        self.matrix(block + "ffn_up" + suffix, feed, self.width)
        self.matrix(block + "ffn_down" + suffix, self.width, feed)

    def mixture(self, block, kind=None):
        self.f32(block + "ffn_gate_inp.weight", self.experts, self.width)
        self.matrix(block + "ffn_gate_exps", self.experts, self.feed_expert, self.width, kind=kind)
        self.matrix(block + "ffn_up_exps", self.experts, self.feed_expert, self.width, kind=kind)
        self.matrix(block + "ffn_down_exps", self.experts, self.width, self.feed_expert, kind=kind)

    def mixture_keys(self):
        self.out.add_expert_count(self.experts)
        self.out.add_expert_used_count(self.used)
        self.out.add_expert_feed_forward_length(self.feed_expert)

    def blocks(self):
        return ["blk.%d." % layer for layer in range(self.layers)]

    def write(self):
        self.out.add_context_length(self.context)
        self.out.add_embedding_length(self.width)
        self.out.add_block_count(self.layers)
        self.words_of()
        self.out.write_header_to_file()
        self.out.write_kv_data_to_file()
        self.out.write_tensors_to_file()
        self.out.close()


def llama(m):
    m.attention()
    m.out.add_feed_forward_length(m.feed)
    m.ends()
    for block in m.blocks():
        m.norm(block + "attn_norm")
        m.norm(block + "ffn_norm")
        m.qkv(block)
        m.gated(block)


def llama_q4_0(m):
    m.prefer(feed=1536)
    m.kind = Q.Q4_0
    llama(m)


def llama_q4_k(m):
    m.prefer(feed=1536)
    m.kind = Q.Q4_K
    llama(m)


def qwen2(m):
    m.attention()
    m.out.add_feed_forward_length(m.feed)
    m.ends(tied=True)
    for block in m.blocks():
        m.norm(block + "attn_norm")
        m.norm(block + "ffn_norm")
        m.qkv(block, m.biased)
        m.gated(block)


def gemma(m, normed):
    m.prefer(heads=4, heads_kv=2, head=96)
    m.attention(rope=m.head)
    m.heads_of(m.head)
    m.out.add_feed_forward_length(m.feed)
    m.out.add_sliding_window(512)
    m.ends(tied=True)
    for block in m.blocks():
        for name in ("attn_norm", "ffn_norm", "post_attention_norm", "post_ffw_norm"):
            m.norm(block + name)
        if normed:
            m.norm(block + "attn_q_norm", m.head)
            m.norm(block + "attn_k_norm", m.head)
        m.qkv(block)
        m.gated(block)


def gemma2(m):
    m.out.add_attn_logit_softcapping(50.0)
    m.out.add_final_logit_softcapping(30.0)
    gemma(m, False)


def gemma3(m):
    m.prefer(layers=8)
    gemma(m, True)


def phi3(m):
    m.attention()
    m.out.add_feed_forward_length(m.feed)
    m.out.add_rope_scaling_orig_ctx_len(m.context)
    m.out.add_sliding_window(262144)
    m.ends()
    for block in m.blocks():
        m.norm(block + "attn_norm")
        m.norm(block + "ffn_norm")
        m.matrix(block + "attn_qkv", (m.heads + 2 * m.heads_kv) * m.head, m.width)
        m.matrix(block + "attn_output", m.width, m.heads * m.head)
        m.matrix(block + "ffn_up", 2 * m.feed, m.width)
        m.matrix(block + "ffn_down", m.width, m.feed)


def deepseek2(m):
    nope, rope, value, q_rank, kv_rank, lead = 64, 32, 64, 192, 256, 1
    m.attention(rope=rope, kv=1)
    m.heads_of(kv_rank + rope, kv_rank)
    m.out.add_key_length_mla(nope + rope)
    m.out.add_value_length_mla(value)
    m.out.add_q_lora_rank(q_rank)
    m.out.add_kv_lora_rank(kv_rank)
    m.out.add_feed_forward_length(m.feed)
    m.out.add_leading_dense_block_count(lead)
    m.mixture_keys()
    m.out.add_expert_shared_count(1)
    m.out.add_expert_weights_scale(1.0)
    m.out.add_expert_gating_func(gguf.ExpertGatingFuncType.SOFTMAX)
    m.ends()
    for layer, block in enumerate(m.blocks()):
        m.norm(block + "attn_norm")
        m.norm(block + "ffn_norm")
        m.norm(block + "attn_q_a_norm", q_rank)
        m.norm(block + "attn_kv_a_norm", kv_rank)
        m.matrix(block + "attn_q_a", q_rank, m.width)
        m.matrix(block + "attn_q_b", m.heads * (nope + rope), q_rank)
        m.matrix(block + "attn_kv_a_mqa", kv_rank + rope, m.width)
        m.matrix(block + "attn_k_b", m.heads, kv_rank, nope)
        m.matrix(block + "attn_v_b", m.heads, value, kv_rank)
        m.matrix(block + "attn_output", m.width, m.heads * value)
        if layer < lead:
            m.gated(block)
        else:
            m.mixture(block)
            m.gated(block, m.feed_expert, "_shexp")


def mamba(m):
    inner, state, rank, conv = m.inner, m.state, m.width // 16, 4
    m.out.add_head_count(0)
    m.out.add_feed_forward_length(0)
    m.out.add_layer_norm_rms_eps(1e-5)
    m.out.add_ssm_conv_kernel(conv)
    m.out.add_ssm_inner_size(inner)
    m.out.add_ssm_state_size(state)
    m.out.add_ssm_time_step_rank(rank)
    m.ends(tied=True)
    for block in m.blocks():
        m.norm(block + "attn_norm")
        m.matrix(block + "ssm_in", 2 * inner, m.width)
        m.f32(block + "ssm_conv1d.weight", inner, conv)
        m.f32(block + "ssm_conv1d.bias", inner)
        m.matrix(block + "ssm_x", rank + 2 * state, inner)
        m.matrix(block + "ssm_dt", inner, rank)
        m.f32(block + "ssm_dt.bias", inner)
        m.f32(block + "ssm_a", inner, state)
        m.f32(block + "ssm_d", inner)
        m.matrix(block + "ssm_out", m.width, inner)


def lfm2(m):
    """A hybrid: short convolutions, and attention in every third layer."""
    attends = [layer % 3 == 2 for layer in range(m.layers)]
    m.attention(kv=[m.heads_kv if here else 0 for here in attends])
    m.out.add_feed_forward_length(m.feed)
    m.out.add_shortconv_l_cache(3)
    m.ends(tied=True, norm="token_embd_norm")
    for here, block in zip(attends, m.blocks()):
        m.norm(block + "attn_norm")
        m.norm(block + "ffn_norm")
        if here:
            m.norm(block + "attn_q_norm", m.head)
            m.norm(block + "attn_k_norm", m.head)
            m.qkv(block)
        else:
            m.f32(block + "shortconv.conv.weight", m.width, 3)
            m.matrix(block + "shortconv.in_proj", 3 * m.width, m.width)
            m.matrix(block + "shortconv.out_proj", m.width, m.width)
        m.gated(block)


def gpt_oss(m):
    m.attention()
    m.heads_of(m.head)
    m.out.add_feed_forward_length(m.feed_expert)
    m.mixture_keys()
    m.out.add_sliding_window(128)
    m.ends()
    for block in m.blocks():
        m.norm(block + "attn_norm")
        m.norm(block + "post_attention_norm")
        m.qkv(block, m.biased)
        m.f32(block + "attn_output.bias", m.width)
        m.f32(block + "attn_sinks.weight", m.heads)
        m.mixture(block, Q.MXFP4)
        m.f32(block + "ffn_gate_inp.bias", m.experts)
        for name, size in (("gate", m.feed_expert), ("up", m.feed_expert), ("down", m.width)):
            m.f32(block + "ffn_%s_exps.bias" % name, m.experts, size)


def qwen3moe(m):
    m.attention()
    m.heads_of(m.head)
    m.out.add_feed_forward_length(m.feed)
    m.mixture_keys()
    m.ends()
    for block in m.blocks():
        m.norm(block + "attn_norm")
        m.norm(block + "ffn_norm")
        m.norm(block + "attn_q_norm", m.head)
        m.norm(block + "attn_k_norm", m.head)
        m.qkv(block)
        m.mixture(block)


def starcoder2(m):
    m.attention(rms=False)
    m.out.add_feed_forward_length(m.feed)
    m.ends(bias=True)
    for block in m.blocks():
        m.norm(block + "attn_norm", bias=True)
        m.norm(block + "ffn_norm", bias=True)
        m.qkv(block, m.biased)
        m.f32(block + "attn_output.bias", m.width)
        m.biased(block + "ffn_up", m.feed, m.width)
        m.biased(block + "ffn_down", m.width, m.feed)


def falcon(m):
    m.prefer(heads_kv=1)
    m.attention(rms=False)
    m.out.add_feed_forward_length(m.feed)
    m.ends(bias=True)
    for block in m.blocks():
        m.norm(block + "attn_norm", bias=True)
        m.matrix(block + "attn_qkv", (m.heads + 2 * m.heads_kv) * m.head, m.width)
        m.matrix(block + "attn_output", m.width, m.heads * m.head)
        m.matrix(block + "ffn_up", m.feed, m.width)
        m.matrix(block + "ffn_down", m.width, m.feed)


def bert(m):
    m.prefer(heads_kv=m.heads)
    m.attention(rms=False)
    m.out.add_feed_forward_length(m.feed)
    m.out.add_causal_attention(False)
    m.out.add_token_type_count(2)
    m.out.add_pooling_type(gguf.PoolingType.MEAN)
    m.matrix("token_embd", m.words, m.width)
    m.f32("token_types.weight", 2, m.width)
    m.f32("position_embd.weight", m.context, m.width)
    m.norm("token_embd_norm", bias=True)
    for block in m.blocks():
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            m.biased(block + name, m.width, m.width)
        m.norm(block + "attn_output_norm", bias=True)
        m.biased(block + "ffn_up", m.feed, m.width)
        m.biased(block + "ffn_down", m.width, m.feed)
        m.norm(block + "layer_output_norm", bias=True)


MAKERS = {"gpt-oss": gpt_oss, "llama.q4_0": llama_q4_0, "llama.q4_k": llama_q4_k}


def main():
    wanted, path = sys.argv[1:3]
    sizes = {name: int(number) for name, number in (word.split("=") for word in sys.argv[3:])}
    if wanted == "bert":
        sizes.setdefault("context", 2048)
    model = Model(wanted.split(".")[0], path, sizes)
    (MAKERS.get(wanted) or globals()[wanted])(model)
    model.write()


if __name__ == "__main__":
    main()
