# SPDX-License-Identifier: Apache-2.0
"""Writes a tiny model of random numbers: llama, two layers, 64 wide, one token for each byte.

Run by engine.py inside build/engine-root, where python3-gguf lives: tiny_gguf.py FILE [TENSORS]; with
TENSORS in parts of so many, FILE-00001-of-0000N.gguf and so on. The numbers come from a fixed seed: the same file every time.
"""
import sys

import gguf
import numpy

WIDTH, LAYERS, HEADS, FEED, CONTEXT, SEED = 64, 2, 4, 128, 32768, 20261121
CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"


def vocabulary(out):
    kinds = gguf.TokenType
    tokens = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    tokens += [("<0x%02X>" % byte, kinds.BYTE) for byte in range(256)]
    tokens += [("\u2581", kinds.NORMAL)]  # the space of SentencePiece
    tokens += [(chr(code), kinds.NORMAL) for code in range(33, 127)]
    out.add_tokenizer_model("llama")
    out.add_token_list([text.encode() for text, _ in tokens])
    out.add_token_scores([0.0] * len(tokens))
    out.add_token_types([kind for _, kind in tokens])
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_chat_template(CHAT)
    return len(tokens)


def main():
    out = gguf.GGUFWriter(sys.argv[1], "llama", split_max_tensors=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    out.add_name("tiny-random")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(FEED)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    words = vocabulary(out)
    out.add_vocab_size(words)
    dice = numpy.random.default_rng(SEED)

    def tensor(name, *shape):
        out.add_tensor(name + ".weight", dice.normal(0, 0.5, shape).astype(numpy.float32))
    tensor("token_embd", words, WIDTH)
    tensor("output_norm", WIDTH)
    tensor("output", words, WIDTH)
    for layer in range(LAYERS):
        block = "blk.%d." % layer
        for name in ("attn_norm", "ffn_norm"):
            tensor(block + name, WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(block + name, WIDTH, WIDTH)
        tensor(block + "ffn_gate", FEED, WIDTH)
        tensor(block + "ffn_up", FEED, WIDTH)
        tensor(block + "ffn_down", WIDTH, FEED)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    main()
