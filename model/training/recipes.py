"""Named sets of training options. `paper` is the VRN paper's recipe to the letter, [G] GAIC's where it is silent."""

from typing import Any

PAPER: dict[str, Any] = {
    "epochs": 60,  # [P]
    "batch_size": 1,  # [P] one photo a step; its 64 random views are the default
    "backbone_lr": 1e-4,  # [P] Adam; without weight decay AdamW is Adam
    "head_lr": 1e-4,
    "final_lr_share": 1.0,
    "weight_decay": 0.0,
    "ema_decay": 0.0,
    "dropout": 0.0,
    "gain_weight": 3.0,  # [P] lambda, on the ranking gain loss as printed
    "gain_scale": "paper",
    "correlation_weight": 0.0,
    "region_weight": 0.0,
    "warm_up_steps": 0,
    "max_gradient_norm": 0.0,
    "jitter": 0.3,  # [G] brightness, contrast and saturation vary; how far is open
    "hue": 0.05,
    "outer_crop": False,
    "free_shapes": True,  # [G] short side 256, multiples of 32
}
RECIPES: dict[str, dict[str, Any]] = {"default": {}, "paper": PAPER}
# What torchvision's own weights were trained on (red, green, blue).
TORCHVISION_PIXELS = {"pixel_mean": (0.485, 0.456, 0.406), "pixel_std": (0.229, 0.224, 0.225)}
